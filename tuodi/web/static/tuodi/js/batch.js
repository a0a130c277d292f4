// Choosing rows for one step over many: all of the page at once, and how many are chosen.
(function () {
  "use strict";
  document.addEventListener("DOMContentLoaded", function () {
    var form = document.querySelector("[data-batch]");
    if (!form) return;
    var all = form.querySelector("[data-pick-all]");
    var said = form.querySelector("[data-picked]");
    function boxes() { return Array.from(form.querySelectorAll("td.pick input[type=checkbox]")); }
    function tell() {
      var n = boxes().filter(function (box) { return box.checked; }).length;
      if (said) said.textContent = n ? "已选 " + n + " 件" : "";
    }
    if (all) all.addEventListener("change", function () {
      boxes().forEach(function (box) { box.checked = all.checked; });
      tell();
    });
    form.addEventListener("change", tell);
    tell();
  });
})();
