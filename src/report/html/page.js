// The page can be read without this: it adds a filter for findings and sorting for tables.
"use strict";
for (const head of document.querySelectorAll("table.sorted th")) {
  const column = head.cellIndex, table = head.closest("table"), button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  head.setAttribute("aria-sort", "none");
  head.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "descending";
    for (const other of head.parentNode.cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", down ? "ascending" : "descending");
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const rows = [...table.tBodies[0].rows];
    rows.sort((one, other) => key(one).localeCompare(key(other), undefined, { numeric: true }) * (down ? 1 : -1));
    table.tBodies[0].append(...rows);
  });
}
const files = [...document.querySelectorAll("#findings details")];
if (files.length) {
  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = "Filter by path, image, rule or message";
  input.setAttribute("aria-label", input.placeholder);
  const texts = new Map();
  for (const file of files)
    for (const row of file.querySelectorAll("tbody tr"))
      texts.set(row, (file.querySelector("summary").textContent + " " + row.textContent).toLowerCase());
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const file of files) {
      let shown = 0;
      for (const row of file.querySelectorAll("tbody tr")) {
        const text = texts.get(row);
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      file.hidden = !shown;
      if (words.length) file.open = true;
    }
  });
  document.querySelector("#findings h2").after(input);
}
