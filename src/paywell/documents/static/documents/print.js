// The Print button. It stays hidden without JavaScript, where a line names the browser's own command instead.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
