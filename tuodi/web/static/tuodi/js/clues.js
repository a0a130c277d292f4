// The ledger by keyboard: j and k move, x picks, Enter opens, a assigns, / searches. Without it everything works by mouse and Tab.
(function () {
  "use strict";
  var table, rows, at = -1;

  function boxes() { return Array.from(document.querySelectorAll("[data-row] .pick input[type=checkbox]")); }

  function told() {
    var all = document.querySelector("[data-every]");
    var line = document.querySelector("[data-picked]");
    var picked = boxes().filter(function (box) {
      box.closest("tr").classList.toggle("picked", box.checked);
      return box.checked;
    }).length;
    if (line) line.textContent = all && all.checked ? "按筛选全部办理" : picked ? "已选 " + picked + " 条" : "未选";
    var head = document.querySelector("[data-pick-all]");
    if (head) {
      head.checked = picked > 0 && picked === boxes().length;
      head.indeterminate = picked > 0 && picked < boxes().length;
    }
  }

  function go(to) {
    if (!rows.length) return;
    if (at >= 0) rows[at].classList.remove("at");
    at = Math.max(0, Math.min(rows.length - 1, to));
    rows[at].classList.add("at");
    var link = rows[at].querySelector("[data-open]");
    if (link) link.focus({ preventScroll: true });
    rows[at].scrollIntoView({ block: "nearest" });
  }

  function typing(element) {
    return element && (element.isContentEditable || /^(TEXTAREA|SELECT)$/.test(element.tagName) ||
      (element.tagName === "INPUT" && !/^(checkbox|radio|button|submit)$/.test(element.type)));
  }

  function assign() {
    var form = document.querySelector("[data-verb=assign]");
    if (!form) return;
    form.open = true;
    form.scrollIntoView({ block: "nearest" });
    var first = form.querySelector("select, input, button");
    if (first) first.focus();
  }

  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && typing(event.target) && event.target.closest("[data-bulk], .filters")) {
      event.target.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "j") go(at + 1);
    else if (event.key === "k") go(at < 0 ? 0 : at - 1);
    else if (event.key === "x" && at >= 0) {
      var box = rows[at].querySelector(".pick input[type=checkbox]");
      if (box) { box.checked = !box.checked; told(); }
    } else if (event.key === "a") assign();
    else if (event.key === "/") {
      var find = document.querySelector("[data-find]");
      if (find) { find.focus(); find.select(); }
    } else return;
    event.preventDefault();
  });

  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-pick-all]")) boxes().forEach(function (box) { box.checked = event.target.checked; });
    if (event.target.closest("[data-bulk]")) told();
  });

  // Coming back by the browser's own button finds the boxes as they were left.
  window.addEventListener("pageshow", function () { if (document.querySelector("[data-bulk]")) told(); });

  // On a desk the filters stand open; on a phone they are folded, and stay as the reader left them.
  function fold() {
    var part = document.querySelector("[data-fold]"), phone = window.matchMedia("(max-width: 820px)");
    if (!part) return;
    var key = "tuodi-fold-" + part.dataset.fold;
    function kept(value) {
      try { return value === undefined ? sessionStorage.getItem(key) : sessionStorage.setItem(key, value); } catch (refused) { return null; }
    }
    function set() { part.open = !phone.matches || kept() === "1"; }
    set();
    phone.addEventListener("change", set);
    part.querySelector("summary").addEventListener("click", function () { kept(part.open ? "0" : "1"); });
  }

  document.addEventListener("DOMContentLoaded", function () {
    fold();
    table = document.querySelector("[data-keys]");
    rows = table ? Array.from(table.querySelectorAll("[data-row]")) : [];
    told();
  });
})();
