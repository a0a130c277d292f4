// Forms filled on the spot: signatures are drawn (field-form.js), the place comes from the device, the picture is named.
(function () {
  "use strict";

  document.querySelectorAll("form[data-spot]").forEach(function (form) {
    window.TuodiForm.init(form, function () {});
    var where = form.querySelector("[data-where]");
    if (where && navigator.geolocation) {
      navigator.geolocation.getCurrentPosition(function (found) {
        form.elements.latitude.value = found.coords.latitude.toFixed(6);
        form.elements.longitude.value = found.coords.longitude.toFixed(6);
        where.textContent = "位置 " + found.coords.latitude.toFixed(5) + ", " + found.coords.longitude.toFixed(5);
        where.hidden = false;
      }, function () { /* not allowed, or no fix: the record says so by saying nothing */ }, { timeout: 10000 });
    }
    form.querySelectorAll("input[type='file'][data-shown]").forEach(function (field) {
      field.addEventListener("change", function () {
        var shown = document.getElementById(field.dataset.shown);
        shown.textContent = field.files.length ? "已选 " + field.files[0].name : "";
      });
    });
  });
})();
