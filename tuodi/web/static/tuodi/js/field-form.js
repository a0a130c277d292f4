// The form of a visit in the hand: what is asked appears when it applies, signatures are drawn, values come and go as a plain map.
(function () {
  "use strict";

  var WIDE = 1000, HIGH = 400;

  function init(form, changed) {
    form.querySelectorAll("[data-script-only]").forEach(function (part) { part.hidden = false; });
    form.querySelectorAll("[data-plain-only]").forEach(function (part) { part.hidden = true; });
    form.querySelectorAll("canvas[data-sign]").forEach(function (canvas) { pad(form, canvas, changed); });
    form.querySelectorAll("[data-clear]").forEach(function (button) {
      button.addEventListener("click", function () {
        hidden(form, button.dataset.clear).value = "";
        draw(form, form.querySelector("canvas[data-sign='" + button.dataset.clear + "']"));
        refresh(form);
        changed();
      });
    });
    ["input", "change"].forEach(function (kind) {
      form.addEventListener(kind, function () { refresh(form); changed(); });
    });
    refresh(form);
  }

  function hidden(form, name) { return form.querySelector("input[type='hidden'][name='" + name + "']"); }

  function chosen(form, name) {
    var found = form.querySelector("input[name='" + name + "']:checked");
    return found ? found.value : "";
  }

  function refresh(form) {
    form.querySelectorAll("[data-when]").forEach(function (part) { part.hidden = chosen(form, part.dataset.when) !== "yes"; });
    form.querySelectorAll("[data-conclusion]").forEach(function (part) {
      part.hidden = chosen(form, "conclusion") !== part.dataset.conclusion;
    });
    form.querySelectorAll(".field-seen:not(.alone)").forEach(function (part) {
      var radio = part.parentNode.querySelector("input[name$='-fit']");
      if (radio) part.hidden = chosen(form, radio.name) !== "differ";
    });
    var missing = unsigned(form);
    var mark = form.querySelector("#field-unsigned");
    if (mark) {
      mark.hidden = !missing.length;
      mark.textContent = "还差 " + missing.length + " 个";
    }
  }

  // Labels of the signatures that are still needed; a sheet of paper or a noted refusal stands for them.
  function unsigned(form) {
    var paper = form.querySelector("#paper");
    if (paper && paper.files && paper.files.length) return [];
    var refused = form.querySelector("[name='sig-family-refused']");
    var going = Array.from(form.querySelectorAll("input[name='who']:checked")).map(function (box) { return "sig-" + box.value; });
    return Array.from(form.querySelectorAll(".field-pad > input[type='hidden']")).filter(function (field) {
      if (field.value) return false;
      if (field.name === "sig-family") return !(refused && refused.value.trim());
      return going.indexOf(field.name) >= 0;
    }).map(function (field) { return field.dataset.label; });
  }

  function strokes(form, name) {
    try { return JSON.parse(hidden(form, name).value || "[]"); } catch (error) { return []; }
  }

  function draw(form, canvas) {
    var lines = strokes(form, canvas.dataset.sign);
    var brush = canvas.getContext("2d");
    brush.clearRect(0, 0, WIDE, HIGH);
    brush.strokeStyle = "#1c2733";
    brush.lineWidth = 9;
    brush.lineCap = brush.lineJoin = "round";
    lines.forEach(function (line) {
      brush.beginPath();
      line.forEach(function (point, place) { if (place) brush.lineTo(point[0], point[1]); else brush.moveTo(point[0], point[1]); });
      brush.stroke();
    });
    canvas.parentNode.classList.toggle("signed", lines.length > 0);
  }

  function pad(form, canvas, changed) {
    var name = canvas.dataset.sign, line = null, all = null;
    function at(event) {
      var box = canvas.getBoundingClientRect();
      function inside(value, size, most) { return Math.round(Math.min(1, Math.max(0, value / size)) * most); }
      return [inside(event.clientX - box.left, box.width, WIDE), inside(event.clientY - box.top, box.height, HIGH)];
    }
    canvas.addEventListener("pointerdown", function (event) {
      canvas.setPointerCapture(event.pointerId);
      all = strokes(form, name);
      line = [at(event)];
      all.push(line);
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", function (event) {
      if (!line) return;
      line.push(at(event));
      hidden(form, name).value = JSON.stringify(all);
      draw(form, canvas);
    });
    ["pointerup", "pointercancel"].forEach(function (kind) {
      canvas.addEventListener(kind, function () {
        if (!line) return;
        hidden(form, name).value = JSON.stringify(all);
        line = null;
        draw(form, canvas);
        refresh(form);
        changed();
      });
    });
    draw(form, canvas);
  }

  // Everything but files and tokens, as name -> list of values.
  function values(form) {
    var found = {};
    Array.from(form.elements).forEach(function (field) {
      if (!field.name || field.type === "file" || field.name === "csrfmiddlewaretoken") return;
      if ((field.type === "radio" || field.type === "checkbox") && !field.checked) return;
      (found[field.name] = found[field.name] || []).push(field.value);
    });
    return found;
  }

  // `kept` must not touch what only the server knows: which version and basis the page was made on stay the stored ones.
  function fill(form, kept) {
    Array.from(form.elements).forEach(function (field) {
      if (!field.name || field.type === "file" || field.name === "csrfmiddlewaretoken") return;
      var list = kept[field.name] || [];
      if (field.type === "radio" || field.type === "checkbox") field.checked = list.indexOf(field.value) >= 0;
      else if (list.length) field.value = list.shift();
      else if (field.type !== "hidden") field.value = "";
    });
    form.querySelectorAll("canvas[data-sign]").forEach(function (canvas) { draw(form, canvas); });
    refresh(form);
  }

  function complain(form, message, faults) {
    var box = form.querySelector("#field-errors");
    var list = box.querySelector("ul");
    list.textContent = "";
    form.querySelectorAll(".field.has-error").forEach(function (field) { field.classList.remove("has-error"); });
    var keys = Object.keys(faults || {});
    (keys.length ? keys : [""]).forEach(function (key) {
      var entry = document.createElement("li");
      var target = key && form.querySelector("#f-" + CSS.escape(key));
      var words = document.createElement(target ? "a" : "span");
      words.textContent = key ? faults[key] : message;
      if (target) {
        words.href = "#f-" + key;
        target.classList.add("has-error");
      }
      entry.appendChild(words);
      list.appendChild(entry);
    });
    box.hidden = false;
    box.focus();
  }

  window.TuodiForm = { init: init, values: values, fill: fill, unsigned: unsigned, complain: complain, refresh: refresh };
})();
