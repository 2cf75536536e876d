/* A table that does not fit its column breaks its words on a desk, and becomes a list of its rows on
   a telephone: nothing is cut, nothing scrolls sideways. Without scripts it scrolls, as the theme
   has it. */
(() => {
  const tables = [...document.querySelectorAll(".bd-article .pst-scrollable-table-container > table")];
  for (const table of tables) {
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
    for (const row of table.tBodies[0]?.rows ?? [])
      [...row.cells].forEach((cell, i) => {
        cell.dataset.head = heads[i] ?? "";
        cell.classList.toggle("empty", !cell.textContent.trim());
      });
  }
  const fit = () => {
    for (const table of tables) {
      table.classList.remove("tight", "stacked");
      const column = table.parentElement;
      for (const remedy of window.innerWidth > 800 ? ["tight", "stacked"] : ["stacked"])
        if (column.scrollWidth > column.clientWidth + 1) table.classList.add(remedy);
    }
  };
  const opened = (event) => event.target.open && fit();
  document.querySelectorAll("details").forEach((part) => part.addEventListener("toggle", opened));
  let width = 0;
  new ResizeObserver(() => {
    if (width !== window.innerWidth) fit();
    width = window.innerWidth;
  }).observe(document.documentElement);
})();
