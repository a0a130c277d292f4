// Small helpers on top of pages that work without them: folding rows, closing menus, focusing the error summary.
(function () {
  "use strict";

  function setFold(button, open) {
    button.setAttribute("aria-expanded", String(open));
    (button.getAttribute("aria-controls") || "").split(" ").filter(Boolean).forEach(function (id) {
      var row = document.getElementById(id);
      if (!row) return;
      row.hidden = !open;
      // A folded group hides what is below its rows too; opening shows only its own rows.
      if (!open) row.querySelectorAll("[data-fold]").forEach(function (inner) { setFold(inner, false); });
    });
  }

  // Rows come open from the server; folding starts only where a script can open them again.
  function prepare(root) {
    // From the bottom up, so that a closed group has the last word about the lines below it.
    Array.from(root.querySelectorAll("[data-fold]")).reverse().forEach(function (button) {
      setFold(button, button.dataset.fold === "open");
    });
    var summary = root.querySelector(".error-summary");
    if (summary) summary.focus();
  }

  // The page one is on is seen in a menu longer than the screen.
  var here = document.querySelector(".sidebar-stick [aria-current]"), menu = here && here.closest(".sidebar-stick");
  if (menu && here.offsetTop + here.offsetHeight > menu.clientHeight) menu.scrollTop = here.offsetTop - menu.clientHeight / 2;

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-fold]");
    if (button) {
      setFold(button, button.getAttribute("aria-expanded") !== "true");
      return;
    }
    var all = event.target.closest("[data-fold-all]");
    if (all) {
      var scope = document.getElementById(all.dataset.foldAll) || document;
      var open = all.getAttribute("aria-pressed") !== "true";
      all.setAttribute("aria-pressed", String(open));
      all.textContent = open ? "全部收起" : "全部展开";
      scope.querySelectorAll("[data-fold]").forEach(function (one) { setFold(one, open); });
      return;
    }
    var reference = event.target.closest("a[href^='#n-']");
    if (reference) reveal(reference.getAttribute("href").slice(1));
    document.querySelectorAll("details.me[open]").forEach(function (menu) {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  // 「见上」 may point into a folded group: open the groups above it first.
  function reveal(id) {
    var row = document.getElementById(id);
    for (var guard = 0; row && row.hidden && guard < 12; guard += 1) {
      var opener = document.querySelector("[data-fold][aria-controls~='" + row.id + "']");
      if (!opener) break;
      setFold(opener, true);
      row = opener.closest("tr");
    }
  }

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.me[open]").forEach(function (menu) { menu.open = false; });
    if (location.hash === "#menu") location.hash = "#main";
  });

  // "/" goes to the page's own search, else to the one on every page; never while somebody is typing.
  document.addEventListener("keydown", function (event) {
    if (event.key !== "/" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    var box = document.querySelector("[data-find]") || document.querySelector("[data-find-all]");
    if (!box || box.offsetParent === null) return;
    event.preventDefault();
    box.focus();
    box.select();
  });

  // Which groups of the navigation the reader folded or opened: kept in a cookie, so that the next page comes as he left it.
  function rememberGroup(group) {
    var found = document.cookie.match(/(?:^|; )tuodi_menu=([^;]*)/);
    var code = group.dataset.nav;
    var words = (found ? found[1] : "").split(".").filter(function (word) {
      return word && word !== code && word !== "-" + code;
    });
    words.push(group.open ? code : "-" + code);
    document.cookie = "tuodi_menu=" + words.join(".") + "; path=/; max-age=31536000; samesite=lax";
  }
  document.querySelectorAll("details[data-nav] > summary").forEach(function (summary) {
    // After the click the state has changed; what the server opened by itself is no choice of the reader's.
    summary.addEventListener("click", function () { setTimeout(rememberGroup, 0, summary.parentElement); });
  });

  // htmx leaves the page as it is when no good answer comes; the reader is told so, until one comes again.
  function say(words) {
    var box = document.getElementById("no-answer");
    var main = document.getElementById("main");
    if (!words || !main) {
      if (box) box.remove();
      return;
    }
    if (!box) {
      box = document.createElement("div");
      box.id = "no-answer";
      box.className = "notice warn";
      box.setAttribute("role", "alert");
      main.prepend(box);
    }
    if (box.textContent !== words) box.textContent = words;
  }
  document.addEventListener("htmx:responseError", function (event) {
    var answer = event.detail.xhr;
    var plain = (answer.getResponseHeader("Content-Type") || "").indexOf("text/plain") === 0;
    say(answer.status === 503 && plain ? answer.responseText : "没有取到内容，请刷新页面再试。");
  });
  document.addEventListener("htmx:sendError", function () { say("连不上服务器，请检查网络后再试。"); });
  document.addEventListener("htmx:afterSwap", function () { say(""); });

  document.addEventListener("DOMContentLoaded", function () { prepare(document); });
  document.addEventListener("htmx:afterSwap", function (event) { prepare(event.target); });
})();
