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

  function option(data) {
    var large = document.documentElement.dataset.mode === "large";
    var size = large ? 16 : 12;
    var many = data.series.length > 1;
    return {
      animation: false,
      color: HUES,
      textStyle: { fontFamily: FONT, fontSize: size, color: "#4f5b69" },
      grid: { left: 8, right: data.horizontal ? 88 : 12, top: many ? 34 : 12, bottom: 4, containLabel: true },
      legend: many ? { type: "scroll", top: 0, left: 0, itemWidth: 12, itemHeight: 12, textStyle: { fontSize: size } } : undefined,
      tooltip: { trigger: "axis", confine: true, axisPointer: { type: "shadow" }, valueFormatter: function (value) { return told(data, value) + (data.unit === "%" ? "" : " " + (data.unit || "")); } },
      xAxis: data.horizontal ? { type: "value", axisLabel: { show: false }, splitLine: { show: false } } : { type: "category", data: data.labels, axisTick: { show: false }, axisLine: { lineStyle: { color: "#b9c4d0" } } },
      yAxis: data.horizontal ? { type: "category", data: data.labels, inverse: true, axisTick: { show: false }, axisLine: { lineStyle: { color: "#b9c4d0" } } } : { type: "value", min: 0, axisLabel: { formatter: function (value) { return data.unit === "%" ? value + "%" : wide(value); } }, splitLine: { lineStyle: { color: "#edf0f4" } } },
      series: data.series.map(function (one) {
        if (data.lines) {
          // A month without a verdict is a gap, not a zero.
          return { type: "line", name: one.name, data: one.data, symbolSize: 6, connectNulls: false, lineStyle: { width: 2 } };
        }
        return {
          type: "bar", name: one.name, data: one.data, barMaxWidth: 26, color: one.color, stack: data.stacked ? "all" : undefined,
          label: data.horizontal && !many ? { show: true, position: "right", fontSize: size, formatter: function (point) { return told(data, point.value); } } : undefined
        };
      })
    };
  }

  function draw(root) {
    if (!window.echarts) return;
    root.querySelectorAll("[data-chart]").forEach(function (element) {
      if (element.dataset.drawn) return;
      element.dataset.drawn = "1";
      var chart = window.echarts.init(element, null, { renderer: "svg", locale: "ZH" });
      chart.setOption(option(JSON.parse(element.dataset.chart)));
      new ResizeObserver(function () { chart.resize(); }).observe(element);
    });
  }

  document.addEventListener("DOMContentLoaded", function () { draw(document); });
  document.addEventListener("htmx:afterSwap", function (event) { draw(event.target); });
})();
