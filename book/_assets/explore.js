// The tables of adcgan.book.explore: DataTables sorts and filters; the controls are the page's own.
document.addEventListener("DOMContentLoaded", () => {
  const order = (a, b) => (a === "" || b === "" || isNaN(a) || isNaN(b) ? String(a).localeCompare(b) : a - b);
  const missingLast = (compare) => (a, b) => (a === "") - (b === "") || compare(a, b);
  DataTable.type("figure", {
    order: { asc: missingLast(order), desc: missingLast((a, b) => order(b, a)) },
  });
  for (const box of document.querySelectorAll(".adcgan-explore")) {
    const form = box.querySelector("form");
    const table = new DataTable(box.querySelector("table"), {
      paging: false,
      autoWidth: false,
      order: [],
      layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null },
      columnDefs: [{ targets: "_all", type: "figure" }],
    });
    const count = () => {
      const { recordsDisplay, recordsTotal } = table.page.info();
      form.querySelector("output").value = `${recordsDisplay} of ${recordsTotal} rows`;
    };
    const filter = () => {
      table.search(form.querySelector("input[type=search]").value);
      for (const select of form.querySelectorAll("select"))
        table.column(select.dataset.column).search((text) => !select.value || text === select.value);
      const measured = form.querySelector("input[type=checkbox]");
      table.column(measured.dataset.column).search((text) => !measured.checked || text !== "");
      table.draw();
    };
    table.on("draw", count);
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    box.classList.add("ready");
    filter();
  }
});
