/* One step of a page at a time, where the page has a place for the list of steps: each section is a step.
   Without this script all steps stand one after another. */
(() => {
  const place = document.getElementById("adcgan-steps");
  if (!place) return;
  const steps = [...place.closest("section").querySelectorAll(":scope > section")];
  const title = (step) => step.querySelector("h2, h3").firstChild.textContent;
  const make = (tag, text, parent) => parent.appendChild(Object.assign(document.createElement(tag), { textContent: text }));

  const nav = make("nav", "", place);
  nav.setAttribute("aria-label", "Steps");
  const back = make("button", "Previous", nav);
  const next = make("button", "Next", nav);
  const said = make("output", "", nav);
  const all = make("button", "All steps", nav);
  const list = make("ol", "", nav);
  const links = steps.map((step) => {
    const link = make("a", title(step), make("li", "", list));
    link.href = `#${step.id}`;
    return link;
  });
  let now = 0;

  function show(n, together = false) {
    now = Math.max(0, Math.min(steps.length - 1, n));
    steps.forEach((step, k) => step.classList.toggle("adcgan-away", !together && k !== now));
    links.forEach((link, k) => (k === now && !together ? link.setAttribute("aria-current", "step") : link.removeAttribute("aria-current")));
    back.setAttribute("aria-disabled", together || now === 0);
    next.setAttribute("aria-disabled", together || now === steps.length - 1);
    all.setAttribute("aria-pressed", together);
    said.textContent = together ? "All steps" : `Step ${now + 1} of ${steps.length}: ${title(steps[now])}`;
  }
  function go(n) {
    if (n < 0 || n >= steps.length || all.getAttribute("aria-pressed") === "true") return;
    history.replaceState(null, "", `#${steps[n].id}`);
    show(n);
    if (nav.getBoundingClientRect().top < 0) nav.scrollIntoView({ behavior: "instant" });
  }
  function follow() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const n = steps.findIndex((step) => step.contains(target));
    show(n < 0 ? now : n);
    if (n >= 0) nav.scrollIntoView({ behavior: "instant" });
  }

  back.onclick = () => go(now - 1);
  next.onclick = () => go(now + 1);
  all.onclick = () => show(now, all.getAttribute("aria-pressed") !== "true");
  addEventListener("hashchange", follow);
  addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const busy = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
    if (!step || busy || event.target.closest("input, textarea, select, .adcgan-wrap")) return;
    const { top, bottom } = place.closest("section").getBoundingClientRect();
    if (top > innerHeight || bottom < 0) return; // the steps are out of sight
    go(now + step);
  });
  follow();
})();
