// The calendar in Chinese: dash-mantine-components looks up this name if its locale is zh-cn.
// Here: names of months and weekdays, and the label of a day for screen readers. English is built in.
(function () {
  "use strict";
  var MONTHS = "一月_二月_三月_四月_五月_六月_七月_八月_九月_十月_十一月_十二月".split("_");

  window["dayjs_locale_zh-cn"] = {
    name: "zh-cn",
    weekdays: "星期日_星期一_星期二_星期三_星期四_星期五_星期六".split("_"),
    weekdaysShort: "周日_周一_周二_周三_周四_周五_周六".split("_"),
    weekdaysMin: "日_一_二_三_四_五_六".split("_"),
    months: MONTHS,
    monthsShort: MONTHS.map(function (_, number) { return number + 1 + "月"; }),
    ordinal: function (number) { return number + "日"; },
    weekStart: 1,
    yearStart: 4,
    formats: { LT: "HH:mm", LTS: "HH:mm:ss", L: "YYYY/MM/DD", LL: "YYYY年M月D日", LLL: "YYYY年M月D日 HH:mm", LLLL: "YYYY年M月D日dddd HH:mm" }
  };

  window.dashMantineFunctions = Object.assign({}, window.dashMantineFunctions, {
    // The Chinese label of a day button ("2026-05-12"); the built-in one puts the day before the month.
    dayInChinese: function (day) {
      var parts = String(day).slice(0, 10).split("-").map(Number);
      return { "aria-label": parts[0] + "年" + parts[1] + "月" + parts[2] + "日" };
    }
  });
})();
