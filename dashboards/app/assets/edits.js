// Forms that change a file of the shop: sent without leaving the page, which is loaded again after a change.
(function () {
  "use strict";

  document.addEventListener("click", function (event) {
    var button = event.target.closest("form.edit button[type=submit]");
    if (button) { button.form.dataset.pressed = button.dataset.remove ? "remove" : "save"; }
  }, true);

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.matches("form.edit")) { return; }
    event.preventDefault();
    event.stopPropagation();
    var said = form.querySelector(".said");
    var remove = form.dataset.pressed === "remove" && form.querySelector("[data-remove]");
    if (remove && remove.dataset.asked !== "yes") {  // the second press removes
      remove.dataset.asked = "yes";
      said.textContent = remove.dataset.remove;
      return;
    }
    var given = new FormData(form);
    if (remove) { given.set("remove", "yes"); }
    form.querySelectorAll("button").forEach(function (button) { button.disabled = true; });
    window.fetch(form.action, { method: "POST", body: given }).then(function (answer) {
      return answer.json().then(function (found) { return [answer.ok, found.said]; });
    }).catch(function () { return [false, form.dataset.failed || "?"]; }).then(function (result) {
      said.textContent = result[1];
      said.classList.toggle("fault", !result[0]);
      form.querySelectorAll("button").forEach(function (button) { button.disabled = false; });
      if (result[0]) { window.location.reload(); }
    });
  }, true);
})();
