// On top of forms that work without it: what follows from an answer appears with it, "none of these" clears the others,
// and signatures are drawn. Nothing is kept on the device.
(function () {
  "use strict";

  var form = document.getElementById("apply-form");
  if (form) {
    var refresh = function () {
      form.querySelectorAll("[data-when]").forEach(function (part) {
        part.hidden = !part.dataset.when.split(" ").every(function (rule) {
          var pair = rule.split(":");
          var on = form.querySelector("input[name='" + pair[0] + "']:checked");
          return Boolean(on) && pair[1].split(",").indexOf(on.value) >= 0;
        });
      });
    };
    form.addEventListener("change", function (event) {
      var box = event.target;
      if (box.type === "checkbox" && box.checked) {
        form.querySelectorAll("input[type='checkbox'][name='" + box.name + "']").forEach(function (other) {
          if (other !== box && (box.hasAttribute("data-alone") || other.hasAttribute("data-alone"))) other.checked = false;
        });
      }
      refresh();
    });
    refresh();
  }

  var sheet = document.getElementById("apply-sign");
  if (sheet && window.TuodiForm) window.TuodiForm.init(sheet, function () {});

  // A page brought back from the browser's memory is asked for anew: what was sent must not be seen again.
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) window.location.reload();
  });
})();
