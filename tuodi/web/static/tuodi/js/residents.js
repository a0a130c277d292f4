// On top of pages that work without it: reading aloud, and the warning before an idle session ends.
(function () {
  "use strict";

  // 读给我听: a button is added only where the device has a Chinese voice to read with.
  function reader() {
    if (document.documentElement.dataset.mode !== "elder" || !window.speechSynthesis) return;
    var main = document.getElementById("main");
    var heading = main && main.querySelector("h1");
    if (!heading) return;
    var button = document.createElement("button");
    button.type = "button";
    button.className = "my-button wanted my-read";
    button.textContent = "读给我听";
    function done() { button.textContent = "读给我听"; }
    button.addEventListener("click", function () {
      if (window.speechSynthesis.speaking) {
        window.speechSynthesis.cancel();
        done();
        return;
      }
      var copy = main.cloneNode(true);
      copy.querySelectorAll(".my-read, .aside, script, svg, details:not([open]) > :not(summary)").forEach(function (one) { one.remove(); });
      copy.querySelectorAll("p, li, h1, h2, h3, dt, dd, label, legend").forEach(function (one) { one.append("。"); });
      var words = new SpeechSynthesisUtterance(copy.textContent.replace(/\s+/g, " ").replace(/(。 ?)+/g, "。"));
      words.lang = "zh-CN";
      words.rate = 0.85;
      words.onend = done;
      words.onerror = done;
      window.speechSynthesis.speak(words);
      button.textContent = "停止朗读";
    });
    heading.insertAdjacentElement("afterend", button);
    window.addEventListener("pagehide", function () { window.speechSynthesis.cancel(); });
  }

  function idle() {
    var body = document.body;
    var limit = Number(body.dataset.idle);
    var dialog = document.getElementById("idle");
    if (!limit || !dialog || !dialog.showModal) return;
    var began = Date.now();
    var warn = Math.min(120, limit / 2);
    var left = document.getElementById("idle-left");
    var stay = document.getElementById("idle-stay");
    stay.addEventListener("click", function () {
      fetch(body.dataset.stay, { method: "POST", headers: { "X-CSRFToken": stay.dataset.token } }).then(function (answer) {
        if (answer.status !== 204) { window.location.assign(body.dataset.left); return; }
        began = Date.now();
        dialog.close();
      });
    });
    window.setInterval(function () {
      var rest = Math.round(limit - (Date.now() - began) / 1000);
      if (rest <= 0) { window.location.assign(body.dataset.left); return; }
      if (rest > warn) return;
      left.textContent = rest > 60 ? Math.ceil(rest / 60) + " 分钟" : rest + " 秒";
      if (!dialog.open) dialog.showModal();
    }, 1000);
  }

  var summary = document.querySelector(".error-summary");
  if (summary) summary.focus();
  reader();
  idle();
})();
