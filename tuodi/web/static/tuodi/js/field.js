// Visits with and without a signal: kept on the device, sent when there is one, never overwriting another's version.
(function () {
  "use strict";

  var Store = window.TuodiStore, Form = window.TuodiForm;
  var strip = document.getElementById("field-status");
  if (!strip) return;
  var shell = document.body.classList.contains("field-shell");
  var able = Store.possible();
  var current = null; // { id, form, kept }
  var saving = null;
  var sendingAll = false;

  function clock(when) {
    var day = new Date(when);
    return String(day.getHours()).padStart(2, "0") + ":" + String(day.getMinutes()).padStart(2, "0");
  }

  function say(word, text, look) {
    document.getElementById("field-status-word").textContent = word;
    document.getElementById("field-status-text").textContent = text;
    strip.className = "field-status" + (look ? " " + look : "");
  }

  async function session() {
    var answer = await fetch(strip.dataset.session, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.redirected || !answer.ok || !(answer.headers.get("content-type") || "").includes("json")) return null;
    return answer.json();
  }

  async function hash(bytes) {
    var found = await crypto.subtle.digest("SHA-256", bytes);
    return Array.from(new Uint8Array(found)).map(function (byte) { return byte.toString(16).padStart(2, "0"); }).join("");
  }

  // ---- one form

  function about(form) {
    var data = form.dataset;
    return { no: data.no, title: data.title, place: data.place, due: data.due, purpose: data.purpose,
             action: data.action, photo: data.photo };
  }

  function bare(form) {
    var copy = form.cloneNode(true);
    var token = copy.querySelector("[name='csrfmiddlewaretoken']");
    if (token) token.value = "";
    return copy.outerHTML;
  }

  async function mount(form, kept) {
    current = { id: form.dataset.task, form: form, kept: kept };
    Form.init(form, later);
    if (kept.values) Form.fill(form, JSON.parse(JSON.stringify(kept.values)));
    if (kept.conflict) conflict(kept.conflict);
    document.querySelectorAll("[data-needs-offline]").forEach(function (part) { part.hidden = false; });
    form.addEventListener("submit", function (event) { event.preventDefault(); submit(false); });
    var save = document.getElementById("field-save");
    if (save) save.addEventListener("click", function () { keep("draft"); });
    var drop = document.getElementById("field-drop");
    if (drop) drop.addEventListener("click", function (event) { event.preventDefault(); giveUp(drop.href); });
    document.getElementById("field-camera").addEventListener("change", shoot);
    document.getElementById("paper").addEventListener("change", paper);
    await tiles();
    locate();
  }

  function later() {
    clearTimeout(saving);
    saving = setTimeout(function () { keep(); }, 600);
  }

  async function keep(state) {
    if (!current) return;
    clearTimeout(saving);
    current.kept.values = Form.values(current.form);
    current.kept.savedAt = Date.now();
    if (state) current.kept.state = state;
    else if (current.kept.state !== "conflict") current.kept.state = "draft";
    try {
      await Store.putTask(current.id, current.kept);
    } catch (error) {
      say("没有存下", "本机存储不可用，请联网提交或记在纸上。", "bad");
      return;
    }
    saved();
  }

  async function saved() {
    var left = await Store.hoursLeft();
    var hurry = left !== null && left < 12 ? "，还有 " + left + " 小时将清除" : "";
    var text = "已存本机 " + clock(current.kept.savedAt);
    if (current.kept.state === "queued") text += "，等待上传";
    if (current.kept.state === "conflict") return say("有冲突", "另一份已先提交，请对照后再决定。", "bad");
    if (navigator.onLine && !shell) say("在线", text + hurry);
    else say("离线", text + "，联网后自动上传" + hurry, "off");
  }

  function locate() {
    if (!navigator.geolocation || !current) return;
    var form = current.form;
    navigator.geolocation.getCurrentPosition(function (found) {
      form.elements.latitude.value = found.coords.latitude.toFixed(6);
      form.elements.longitude.value = found.coords.longitude.toFixed(6);
      form.elements.accuracy.value = String(Math.round(found.coords.accuracy));
      var where = document.getElementById("field-where");
      where.textContent = "位置 " + found.coords.latitude.toFixed(5) + ", " + found.coords.longitude.toFixed(5) +
        "（±" + Math.round(found.coords.accuracy) + " 米）";
      where.hidden = false;
    }, function () { /* not allowed, or no fix: the record says so by saying nothing */ }, { timeout: 10000 });
  }

  // ---- photographs

  async function smaller(file) {
    try {
      var picture = await createImageBitmap(file);
      var scale = Math.min(1, 1600 / Math.max(picture.width, picture.height));
      var canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(picture.width * scale));
      canvas.height = Math.max(1, Math.round(picture.height * scale));
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      var blob = await new Promise(function (done) { canvas.toBlob(done, "image/jpeg", 0.85); });
      return await blob.arrayBuffer();
    } catch (error) {
      return file.arrayBuffer(); // no picture, or one this browser cannot read: the server decides
    }
  }

  async function take(file, caption) {
    var bytes = await smaller(file);
    var fields = current.form.elements;
    var words = { sha256: await hash(bytes), caption: caption, taken_at: new Date().toISOString(),
                  latitude: fields.latitude.value, longitude: fields.longitude.value, accuracy: fields.accuracy.value };
    await Store.putPhoto(current.id, bytes, words);
    return words.sha256;
  }

  async function shoot(event) {
    var file = event.target.files[0];
    event.target.value = "";
    if (!file) return;
    await take(file, document.getElementById("field-caption").value);
    await keep();
    await tiles();
  }

  async function paper(event) {
    var file = event.target.files[0];
    if (!file) return;
    current.kept.paper = await take(file, "纸质签名");
    await keep();
    await tiles();
  }

  async function tiles() {
    var list = document.getElementById("field-photos");
    list.querySelectorAll("[data-kept]").forEach(function (one) { one.remove(); });
    for (var photo of await Store.photosOf(current.id)) {
      var entry = document.createElement("li");
      entry.dataset.kept = photo.id;
      var figure = document.createElement("figure");
      var box = document.createElement("div");
      box.className = "field-photo-box";
      var image = document.createElement("img");
      image.alt = photo.caption;
      image.src = await dataUrl(photo.bytes);
      var when = document.createElement("span");
      when.className = "field-photo-when num";
      var taken = new Date(photo.taken_at);
      when.textContent = String(taken.getMonth() + 1).padStart(2, "0") + "-" + String(taken.getDate()).padStart(2, "0") + " " + clock(taken);
      box.append(image, when);
      var caption = document.createElement("figcaption");
      caption.textContent = photo.caption;
      var drop = document.createElement("button");
      drop.type = "button";
      drop.className = "text-button";
      drop.textContent = "删去";
      drop.setAttribute("aria-label", "删去照片 " + photo.caption);
      drop.addEventListener("click", remove.bind(null, photo));
      caption.append(" ", drop);
      figure.append(box, caption);
      entry.append(figure);
      list.append(entry);
    }
  }

  async function remove(photo) {
    await Store.dropPhoto(photo.id);
    if (current.kept.paper === photo.sha256) current.kept.paper = "";
    await keep();
    await tiles();
  }

  function dataUrl(bytes) {
    return new Promise(function (done) {
      var reader = new FileReader();
      reader.onload = function () { done(reader.result); };
      reader.readAsDataURL(new Blob([bytes], { type: "image/jpeg" }));
    });
  }

  // ---- sending

  // `again`: was handed in before, without a signal; the question about signatures was answered then.
  async function submit(again) {
    var missing = again || current.kept.paper ? [] : Form.unsigned(current.form);
    if (missing.length && !window.confirm("还差签名：" + missing.join("、") + "。\n不齐也可以先交，任务会停在“待签名”。现在提交吗？")) return;
    await keep("queued");
    var button = document.getElementById("field-send");
    button.disabled = true;
    say("正在上传", current.kept.title);
    var result = await deliver(current.id, current.kept);
    button.disabled = false;
    if (result.kind === "sent") {
      say("已提交", result.body.message);
      location.assign(shell ? strip.dataset.list : result.body.href);
    } else if (result.kind === "conflict") {
      conflict(result.body);
    } else if (result.kind === "refused") {
      await keep("draft");
      Form.complain(current.form, result.body.message, result.body.faults);
      say("没有提交", "请按提示补正，填的内容都在。", "bad");
    } else {
      troubled(result.kind);
    }
  }

  function troubled(kind) {
    if (kind === "signed-out") say("要重新登录", "填的内容还在本机；登录后回到本页即自动上传。", "bad");
    else if (kind === "stranger") say("换了账号", "上一个账号存在本机的内容已清除。", "bad");
    else {
      if (current) saved();
      tryLater();
    }
  }

  // A signal that comes and goes tells the browser nothing: what waits is tried again, less often each time.
  var pause = 4000, retry = 0;
  function tryLater() {
    clearTimeout(retry);
    retry = setTimeout(async function () {
      pause = Math.min(pause * 2, 120000);
      if (!shell) return sendAll();
      var who = null;
      try { who = await session(); } catch (error) { /* still no signal */ }
      if (who) location.reload();
      else tryLater();
    }, pause);
  }

  // The server's own fragment of both versions side by side; nothing of it comes from the network unescaped.
  function conflict(body) {
    var form = current.form;
    document.getElementById("field-conflict").innerHTML = body.html;
    var reason = form.querySelector("#f-correction_reason");
    reason.hidden = false;
    form.elements.base_version.value = String(body.version);
    current.kept.conflict = { html: body.html, version: body.version };
    if (!document.getElementById("field-drop")) {
      var drop = document.createElement("button");
      drop.type = "button";
      drop.className = "button";
      drop.id = "field-drop";
      drop.textContent = "放弃我填的";
      drop.addEventListener("click", function () { giveUp(current.kept.action); });
      form.querySelector(".field-actions").append(drop);
    }
    keep("conflict");
    document.getElementById("field-conflict").scrollIntoView({ block: "start" });
  }

  async function giveUp(href) {
    if (!window.confirm("放弃本机填的这一份？已提交的不受影响。")) return;
    clearTimeout(saving);
    await Store.dropTask(current.id);
    current = null;
    location.assign(href.replace(/\?.*/, ""));
  }

  function token(form, names) {
    Object.keys(names).forEach(function (name) { names[name].forEach(function (value) { form.append(name, value); }); });
  }

  async function post(address, data, csrf) {
    var answer = await fetch(address, { method: "POST", body: data, headers: { "X-CSRFToken": csrf, "X-Field": "1", Accept: "application/json" } });
    var json = (answer.headers.get("content-type") || "").includes("json");
    if (answer.redirected || !json) return { status: answer.redirected ? 401 : answer.status, body: { message: "服务器没有收下，请稍后再试。" } };
    return { status: answer.status, body: await answer.json() };
  }

  // sent, conflict, refused, offline, signed-out, stranger. Only a task that was taken is forgotten here.
  async function deliver(id, kept) {
    try {
      var who = await session();
      if (!who) return { kind: "signed-out" };
      var device = await Store.meta();
      if (device && device.user !== who.user) {
        await Store.wipe();
        return { kind: "stranger" };
      }
      var hashes = (kept.values.photo_hashes || [""])[0].split(" ").filter(Boolean);
      for (var photo of await Store.photosOf(id)) {
        var picture = new FormData();
        picture.append("file", new Blob([photo.bytes], { type: "image/jpeg" }), "photo.jpg");
        ["sha256", "caption", "taken_at", "latitude", "longitude", "accuracy"].forEach(function (name) { picture.append(name, photo[name] || ""); });
        picture.append("device_at", new Date().toISOString());
        var taken = await post(kept.photo, picture, who.csrf);
        if (taken.status === 401) return { kind: "signed-out" };
        if (taken.status >= 500 || taken.status === 429) return { kind: "offline" };
        if (taken.status !== 200) return { kind: "refused", body: { message: photo.caption + "：" + taken.body.message, faults: {} } };
        hashes.push(taken.body.sha256);
      }
      var data = new FormData();
      token(data, Object.assign({}, kept.values, { photo_hashes: [hashes.join(" ")], device_at: [new Date().toISOString()] }));
      if (kept.paper) data.append("paper_hash", kept.paper);
      var answer = await post(kept.action, data, who.csrf);
      if (answer.status === 200) {
        await Store.dropTask(id);
        return { kind: "sent", body: answer.body };
      }
      if (answer.status === 401) return { kind: "signed-out" };
      if (answer.status >= 500 || answer.status === 429) return { kind: "offline" };
      return { kind: answer.status === 409 && answer.body.html ? "conflict" : "refused", body: answer.body };
    } catch (error) {
      return { kind: "offline" };
    }
  }

  async function sendAll() {
    if (!able || sendingAll) return;
    sendingAll = true;
    try {
      for (var kept of await Store.allTasks()) {
        if (kept.state !== "queued") continue;
        if (current && kept.id === current.id) {
          await submit(true);
          continue;
        }
        var id = kept.id, result = await deliver(id, kept);
        if (result.kind === "sent") say("已上传", result.body.message);
        else if (result.kind === "conflict" || result.kind === "refused") {
          kept.state = result.kind === "conflict" ? "conflict" : "draft";
          kept.problem = result.body.message;
          if (result.kind === "conflict") {
            kept.conflict = { html: result.body.html, version: result.body.version };
            kept.values.base_version = [String(result.body.version)];
          }
          await Store.putTask(id, kept);
        } else {
          troubled(result.kind);
          break;
        }
      }
    } finally {
      sendingAll = false;
    }
    await listKept();
  }

  // ---- what is kept on the device

  var STATES = { fresh: "可离线填写", draft: "草稿", queued: "等待上传", conflict: "有冲突，请对照" };

  async function listKept() {
    var box = document.getElementById("field-kept");
    if (!box) return;
    var list = document.getElementById("field-kept-list");
    list.textContent = "";
    var rows = (await Store.allTasks()).filter(function (one) { return shell || one.state !== "fresh"; });
    rows.forEach(function (one) {
      var row = document.createElement("div");
      row.className = "field-kept-row";
      var name = document.createElement("b");
      name.textContent = one.title;
      var mark = document.createElement("span");
      mark.className = "mark " + ({ conflict: "bad", queued: "info", draft: "warn" }[one.state] || "");
      mark.textContent = STATES[one.state] || one.state;
      var note = document.createElement("span");
      note.className = "second small";
      note.textContent = one.problem || one.place + " · 期限 " + one.due;
      var go = document.createElement("a");
      go.className = "button compact";
      go.href = one.action;
      go.textContent = "打开";
      row.append(name, mark, note, go);
      list.append(row);
    });
    box.hidden = !rows.length;
  }

  async function takeAll(event) {
    var button = event.target.closest("button"), done = 0;
    button.disabled = true;
    for (var entry of document.querySelectorAll("[data-task] > a")) {
      var page = new DOMParser().parseFromString(await (await fetch(entry.href)).text(), "text/html");
      var form = page.getElementById("field-form");
      if (form && !(await Store.getTask(form.dataset.task))) {
        await Store.putTask(form.dataset.task, Object.assign(about(form), { html: bare(form), state: "fresh", savedAt: Date.now() }));
      }
      if (form) done += 1;
    }
    button.disabled = false;
    say("在线", "已存本机 " + done + " 户，没有信号也能填。");
  }

  function guardSignOut() {
    document.querySelectorAll("form[action$='/logout/']").forEach(function (form) {
      form.addEventListener("submit", async function (event) {
        event.preventDefault();
        var unsent = (await Store.allTasks()).filter(function (one) { return one.state !== "fresh"; }).length;
        if (unsent && !window.confirm("本机还有 " + unsent + " 户没有上传，退出登录会清除。仍要退出吗？")) return;
        await Store.wipe();
        form.submit();
      });
    });
  }

  // ---- start

  async function online() {
    var alive = true;
    try {
      await navigator.serviceWorker.register(strip.dataset.worker, { scope: strip.dataset.list });
      var who = await session();
      if (!who) return say("要重新登录", "登录后才能离线保存。", "bad");
      alive = await Store.ready(who);
    } catch (error) {
      return say("在线", "本浏览器没有开放离线保存，请在有信号时提交。");
    }
    guardSignOut();
    var take = document.getElementById("field-take");
    if (take) {
      document.querySelectorAll("[data-needs-offline]").forEach(function (part) { part.hidden = false; });
      take.addEventListener("click", takeAll);
    }
    if (!alive) say("已清除", "存在本机的内容超过了保存时间，已清除。", "bad");
    else if (take || document.querySelector(".field-list, .nothing")) say("在线", "任务可以存到本机，没有信号也能填。");
    else if (document.getElementById("field-form")) say("在线", "填写时自动存本机，没有信号也能继续。");
    else say("在线", "本任务没有待填的表。");
    await openForm();
    await sendAll();
  }

  // The page's own form; or, where another version has come meanwhile, the one this device still holds.
  async function openForm() {
    var found = location.pathname.match(/\/(\d+)\/$/);
    var form = document.getElementById("field-form");
    if (!found) return;
    var kept = await Store.getTask(found[1]);
    if (form && (!kept || kept.state === "fresh")) {
      kept = Object.assign(about(form), { html: bare(form), state: "fresh", savedAt: Date.now() });
      await Store.putTask(found[1], kept);
      return mount(form, kept);
    }
    if (!kept || (!form && kept.state === "fresh")) return;
    if (!form) {
      var holder = document.querySelector(".field-page") || document.getElementById("field-offline");
      holder.insertAdjacentHTML("afterbegin", kept.html);
      form = document.getElementById("field-form");
      form.dataset.stored = "1";
    }
    var basis = form.elements.basis_hash.value;
    var moved = holderLess(form, kept) && kept.values && (kept.values.basis_hash || [""])[0] !== basis;
    await mount(form, kept);
    if (moved) {
      // What the form compares with has changed since: every comparison is asked again, against what stands there now.
      form.elements.basis_hash.value = basis;
      form.querySelectorAll("input[name$='-fit']:checked").forEach(function (radio) { radio.checked = false; });
      Form.refresh(form);
      kept.html = bare(form);
      await keep("draft");
      return say("依据有变化", "申报或核对结果有更新，请重新比对后提交。", "bad");
    }
    if (kept.state !== "queued") await saved();
  }

  // Whether a form is the page's own, made by the server just now, and not one taken out of the store.
  function holderLess(form, kept) { return kept.html && form.dataset.stored !== "1"; }

  async function offline() {
    var alive = await Store.fresh();
    var found = location.pathname.match(/\/(\d+)\/$/);
    var kept = found ? await Store.getTask(found[1]) : null;
    say("离线", alive ? "填的内容存在本机，联网后自动上传。" : "存在本机的内容超过了保存时间，已清除。", "off");
    if (kept) {
      document.getElementById("field-offline").innerHTML = kept.html;
      var heading = document.createElement("div");
      heading.className = "page-head";
      var title = document.createElement("h2");
      title.textContent = kept.title;
      heading.append(title);
      document.getElementById("field-offline").prepend(heading);
      await mount(document.getElementById("field-form"), kept);
      if (kept.state !== "fresh") await saved();
      if (kept.state === "queued") tryLater();
      return;
    }
    await listKept();
    document.getElementById("field-nothing").hidden = !found && !document.getElementById("field-kept").hidden;
    if ((await Store.allTasks()).some(function (one) { return one.state === "queued"; })) tryLater();
  }

  function plain() {
    var form = document.getElementById("field-form");
    var why = window.isSecureContext ? "本浏览器不支持离线保存" : "本页不是加密连接（https），不能离线保存";
    say("只能在线", why + "；没有信号时请记在纸上，回来再录。", "bad");
    if (!form) return;
    Form.init(form, function () {});
    form.querySelectorAll("[data-plain-only]").forEach(function (part) { part.hidden = false; });
    document.getElementById("field-camera").closest("[data-script-only]").hidden = true;
  }

  window.addEventListener("online", function () {
    if (shell) return location.reload();
    pause = 4000;
    if (able) sendAll();
  });
  window.addEventListener("offline", function () { if (able && current) saved(); else if (able) say("离线", "已存本机的任务可以继续填。", "off"); });

  if (!able) plain();
  else if (shell) offline();
  else online();
})();
