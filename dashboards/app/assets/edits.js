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
    if (remove && remove.dataset.asked !== "yes") {  // only the second press removes the row
      remove.dataset.asked = "yes";
      said.textContent = remove.dataset.remove;
      return;
    }
    var given = new FormData(form);
    if (remove) { given.set("remove", "yes"); }
    form.querySelectorAll("button").forEach(function (button) { button.disabled = true; });
    window.fetch(form.action, { method: "POST", body: given }).then(function (answer) {
      return answer.json().then(function (found) { return [answer.ok, found.said, found.path]; });
    }).catch(function () { return [false, form.dataset.failed || "?"]; }).then(function (result) {
      said.textContent = result[1];
      said.classList.toggle("fault", !result[0]);
      form.querySelectorAll("button").forEach(function (button) { button.disabled = false; });
      if (result[2]) { show(form, window.location.origin + result[2]); } else if (result[0]) { window.location.reload(); }
    });
  }, true);

  // Show a new link. It cannot be shown again later, because the server keeps only its hash.
  function show(form, link) {
    var old = form.querySelector(".new-link");
    if (old) { old.remove(); }
    var line = Object.assign(document.createElement("div"), { className: "new-link" });
    var field = Object.assign(document.createElement("input"), { value: link, readOnly: true, type: "text" });
    field.setAttribute("aria-label", form.querySelector(".said").textContent);
    var button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: form.dataset.copy });
    button.addEventListener("click", function () {
      field.select();
      // Without HTTPS browsers have no clipboard for pages: the selected text can be copied by hand.
      if (navigator.clipboard) { navigator.clipboard.writeText(link).then(function () { button.textContent = form.dataset.copied; }); }
    });
    line.append(field, button);
    form.append(line);
    field.select();
  }
})();
