// Before a mode was ever chosen, follow the system from the first paint on. The theme itself would start without
// colours and report the empty mode as an error; its default_mode would take the colours from readers without scripts.
if (!document.documentElement.dataset.mode) {
  document.documentElement.dataset.mode = "auto";
  document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}
