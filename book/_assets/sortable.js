// Tables to search and sort: DataTables, with its own search box.
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll(".adcgan-sortable table")) {
    new DataTable(table, { paging: false, autoWidth: false, order: [], layout: { topStart: "search", topEnd: "info", bottomStart: null, bottomEnd: null } });
    table.closest(".adcgan-sortable").classList.add("ready");
  }
});
