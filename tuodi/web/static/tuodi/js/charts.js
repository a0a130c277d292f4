// Draws each element with data-chart. Bars from zero, one axis, no animation, the page's own colours.
(function () {
  "use strict";
  var HUES = ["#1f5a9e", "#6d9fd3", "#3f8f8a", "#d0a24a"];
  var FONT = getComputedStyle(document.documentElement).getPropertyValue("--font");

  function wide(number) {
    return Number(number).toLocaleString("zh-CN").replace("-", "−");
  }

  // A rate keeps its decimal in every label, so that 10.0% stands beside 9.9%.
  function told(data, value) {
    if (value === null || value === undefined) return "—";
    return data.unit === "%" ? Number(value).toFixed(1) + "%" : wide(value);
  }

  // Beside a bar an amount stands in whole yuan; the table near it has the fen.
  function short(data, value) {
    return data.unit === "元" && value !== null && value !== undefined ? wide(Math.round(value)) : told(data, value);
  }

  // Each bar has its figure beside it; of a stack its end has the sum.
  function sums(data) {
    return data.labels.map(function (_, at) {
      return data.series.reduce(function (total, one) { return total + (one.data[at] || 0); }, 0);
    });
  }

  function option(data, width) {
    var large = document.documentElement.dataset.mode === "large";
    var size = large ? 16 : 12;
    var many = data.series.length > 1;
    var beside = { show: true, position: "right", fontSize: size, formatter: function (point) { return short(data, point.value); } };
    var name = names(data, width);
    var label = { fontSize: size, lineHeight: name.line, formatter: name.shown };
    if (name.lines > 1) { label.width = name.room; label.overflow = "break"; }
    var longest = data.horizontal ? Math.max.apply(null, (data.stacked ? sums(data) : [].concat.apply([], data.series.map(function (one) { return one.data; }))).map(function (value) { return short(data, value).length; })) : 0;
    var series = data.series.map(function (one) {
      if (data.lines) {
        // A month without a verdict is a gap, not a zero.
        return { type: "line", name: one.name, data: one.data, symbolSize: 6, connectNulls: false, lineStyle: { width: 2 } };
      }
      return {
        type: "bar", name: one.name, data: one.data, barMaxWidth: many && !data.stacked ? 16 : 26, barGap: "12%", color: one.color || undefined, stack: data.stacked ? "all" : undefined,
        label: data.horizontal && !data.stacked ? beside : undefined
      };
    });
    if (data.horizontal && data.stacked) {
      var total = sums(data);
      series.push({
        type: "bar", name: "合计", stack: "all", data: total.map(function () { return 0; }), silent: true, tooltip: { show: false },
        label: { show: true, position: "right", fontSize: size, formatter: function (point) { return short(data, total[point.dataIndex]); } }
      });
    }
    return {
      animation: false,
      color: HUES,
      textStyle: { fontFamily: FONT, fontSize: size, color: "#4f5b69" },
      grid: { left: 8, right: data.horizontal ? 16 + longest * size * 0.6 : 12, top: many ? 34 : 12, bottom: 4, containLabel: true },
      legend: many ? { type: "scroll", top: 0, left: 0, itemWidth: 12, itemHeight: 12, textStyle: { fontSize: size }, data: data.series.map(function (one) { return one.name; }) } : undefined,
      tooltip: { trigger: "axis", confine: true, axisPointer: { type: "shadow" }, valueFormatter: function (value) { return told(data, value) + (data.unit === "%" ? "" : " " + (data.unit || "")); } },
      xAxis: data.horizontal ? { type: "value", axisLabel: { show: false }, splitLine: { show: false } } : { type: "category", data: data.labels, axisTick: { show: false }, axisLine: { lineStyle: { color: "#b9c4d0" } } },
      yAxis: data.horizontal ? { type: "category", data: data.labels, inverse: true, axisTick: { show: false }, axisLabel: label, axisLine: { lineStyle: { color: "#b9c4d0" } } } : { type: "value", min: 0, axisLabel: { formatter: function (value) { return data.unit === "%" ? value + "%" : wide(value); } }, splitLine: { lineStyle: { color: "#edf0f4" } } },
      series: series
    };
  }

  // Names beside lying bars take a third of the room at most; longer ones go on below, a bracket whole if it may.
  function names(data, width) {
    var size = document.documentElement.dataset.mode === "large" ? 16 : 12;
    var room = Math.max(84, Math.min(220, width * 0.34)), fits = Math.floor(room / size);
    function shown(text) { return text.length > fits ? text.replace("（", "\n（") : text; }
    var lines = Math.max.apply(null, data.labels.map(function (text) {
      return shown(text).split("\n").reduce(function (sum, part) { return sum + Math.ceil(part.length / fits); }, 0);
    }));
    return { room: room, lines: lines, line: size * 1.25, shown: shown };
  }

  // Bars that lie have a row each: the chart is as high as its rows, and no higher.
  function height(data, width) {
    var large = document.documentElement.dataset.mode === "large", name = names(data, width);
    var bars = data.stacked ? 1 : data.series.length;
    var row = Math.max(large ? 46 : 34, bars * (large ? 22 : 18) + 12, name.lines * name.line + 8);
    return (data.series.length > 1 ? 42 : 20) + data.labels.length * row;
  }

  function draw(root) {
    if (!window.echarts) return;
    root.querySelectorAll("[data-chart]").forEach(function (element) {
      if (element.dataset.drawn) return;
      element.dataset.drawn = "1";
      var data = JSON.parse(element.dataset.chart);
      if (data.horizontal) element.style.height = height(data, element.clientWidth) + "px";
      var chart = window.echarts.init(element, null, { renderer: "svg", locale: "ZH" });
      var drawn = 0;
      // A tablet that is turned gets names and rows for its new width.
      new ResizeObserver(function () {
        if (!element.clientWidth) return;
        if (element.clientWidth !== drawn) {
          drawn = element.clientWidth;
          if (data.horizontal) element.style.height = height(data, drawn) + "px";
          chart.setOption(option(data, drawn), true);
        }
        chart.resize();
      }).observe(element);
    });
  }

  document.addEventListener("DOMContentLoaded", function () { draw(document); });
  document.addEventListener("htmx:afterSwap", function (event) { draw(event.target); });
})();
