"""What is hashed, said twice on purpose: here in Python for checking, and in SQL for writing.

A row's text is its fields in order, each as `<bytes>:<text>` (null is `-`), so that no two rows share a text; the
hash is SHA-256 over the previous hash, a newline and that text. JSON is hashed as PostgreSQL prints it.
"""

from __future__ import annotations

import hashlib

#: Field order of the text. Column, and how SQL turns it into text.
FIELDS: tuple[tuple[str, str], ...] = (
    ("place6", "{row}.place6"),
    ("day", "to_char({row}.day, 'YYYY-MM-DD')"),
    ("seq", "{row}.seq::text"),
    ("recorded_at", "to_char({row}.recorded_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"),
    ("at", "to_char({row}.at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"),
    ("actor_id", "{row}.actor_id::text"),
    ("actor_name", "{row}.actor_name"),
    ("action", "{row}.action"),
    ("subject_type", "{row}.subject_type"),
    ("subject_id", "{row}.subject_id"),
    ("case_no", "{row}.case_no"),
    ("region", "{row}.region"),
    ("before", "{row}.before::text"),
    ("after", "{row}.after::text"),
    ("address", "{row}.address"),
    ("request_id", "{row}.request_id"),
)
GENESIS = "0" * 64


def text_columns(row: str) -> list[str]:
    """The SQL expressions of the fields as text, for a row alias."""
    return [expression.format(row=row) for _, expression in FIELDS]


def row_hash(prev_hash: str, fields: tuple[str | None, ...]) -> str:
    """The hash of one row from its fields as text, in the order of FIELDS."""
    parts = ["-" if text is None else f"{len(text.encode())}:{text}" for text in fields]
    return hashlib.sha256((prev_hash + "\n" + "".join(parts)).encode()).hexdigest()


def trigger_sql() -> str:
    """The writing side: fills sequence, hashes and the recording time of a new row and moves the head.

    SECURITY DEFINER: the runtime role may not touch heads itself. Chains go forward only: when the machine's clock
    is set back, the last day's chain simply goes on.
    """
    parts = " || ".join(
        f"coalesce(octet_length(convert_to({text}, 'UTF8'))::text || ':' || {text}, '-')"
        for text in text_columns("new")
    )
    return f"""
create or replace function audit_append() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
  head record;
begin
  perform pg_advisory_xact_lock(hashtextextended('tuodi.audit:' || substr(new.region, 1, 6), 0));
  new.place6 := substr(new.region, 1, 6);
  new.recorded_at := clock_timestamp();
  new.day := (new.recorded_at at time zone 'Asia/Shanghai')::date;
  select h.day, h.seq, h.hash into head from public.audit_audithead h
    where h.place6 = new.place6 order by h.day desc limit 1;
  if head.day is null or head.day < new.day then
    new.seq := 1;
    new.prev_hash := coalesce(head.hash, '{GENESIS}');
  else
    new.day := head.day;
    new.seq := head.seq + 1;
    new.prev_hash := head.hash;
  end if;
  new.hash := encode(sha256(convert_to(new.prev_hash || chr(10) || {parts}, 'UTF8')), 'hex');
  if new.seq = 1 then
    insert into public.audit_audithead (place6, day, seq, hash, prev_hash)
      values (new.place6, new.day, 1, new.hash, new.prev_hash);
  else
    update public.audit_audithead set seq = new.seq, hash = new.hash
      where place6 = new.place6 and day = new.day;
  end if;
  return new;
end $$;

create or replace function audit_guard() returns trigger language plpgsql as $$
begin
  raise exception '审计记录只可追加，不能修改或删除（%）', tg_table_name using errcode = 'insufficient_privilege';
end $$;

create or replace function audit_guard_head() returns trigger language plpgsql as $$
begin
  -- Heads move only from inside the trigger on entries, one step at a time.
  if tg_op <> 'UPDATE' or pg_trigger_depth() < 2 or new.seq <> old.seq + 1
     or new.place6 <> old.place6 or new.day <> old.day then
    raise exception '审计链首只随审计记录前进，不能修改或删除' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
"""
