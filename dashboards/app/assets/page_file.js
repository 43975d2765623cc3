// Whole pages as files: the server takes some seconds to make one, or answers why it cannot.
(function () {
  "use strict";

  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest("a.page-file");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) { return; }
    event.preventDefault();
    event.stopPropagation();
    var said = link.closest(".views-menu").querySelector(".said");
    if (link.dataset.waits === "yes") { return; }
    link.dataset.waits = "yes";
    said.classList.remove("fault");
    said.textContent = link.dataset.making;
    window.fetch(link.href).then(function (answer) {
      if (!answer.ok) { return answer.text().then(function (why) { throw new Error(why); }); }
      var found = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("Content-Disposition") || "");
      return answer.blob().then(function (content) {
        var url = window.URL.createObjectURL(content);
        var saved = Object.assign(document.createElement("a"), { href: url, download: found ? decodeURIComponent(found[1]) : "" });
        saved.click();
        window.setTimeout(function () { window.URL.revokeObjectURL(url); }, 60000);
        said.textContent = link.dataset.done;
      });
    }).catch(function (error) {
      said.textContent = error.message;
      said.classList.add("fault");
    }).then(function () { link.dataset.waits = ""; });
  }, true);
})();
