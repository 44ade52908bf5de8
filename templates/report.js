// The only script of the pages: sorts and filters tables, and slides from a source to its edit. It stands in every page
// by itself, under a Content-Security-Policy that admits these bytes and no other. Without it all is there to be read.
"use strict";

// Sorting: a button in the head of every column; again for the other direction, once more for the first order.

function cellsByColumn(row) {
  return [...row.cells].flatMap((cell) => Array(cell.colSpan).fill(cell));
}

function sortBy(table, column, direction) {
  for (const body of table.tBodies) {
    const rows = [...body.rows].filter((row) => !row.classList.contains("group"));
    rows.forEach((row, place) => (row.dataset.place ??= place));
    const first = (row) => Number(row.dataset.place);
    const words = (row) => cellsByColumn(row)[column].textContent.trim();
    const compare = (one, two) => {
      if (!direction) return first(one) - first(two);
      if (column === 0) return direction * words(one).localeCompare(words(two));
      const [a, b] = [one, two].map((row) => parseFloat(words(row).replace("\u2212", "-"))); // a minus sign
      if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b); // a dash is last either way
      return direction * (a - b) || first(one) - first(two);
    };
    body.append(...rows.sort(compare));
  }
}

function addSortButtons(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.setAttribute("aria-label", `Sort by ${head.dataset.column}`);
    const orders = column === 0 ? [1, -1, 0] : [-1, 1, 0]; // names from A, numbers from the largest
    button.addEventListener("click", () => {
      const now = { ascending: 1, descending: -1 }[head.ariaSort] ?? 0;
      const next = orders[(orders.indexOf(now) + 1) % orders.length];
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (next) head.setAttribute("aria-sort", next > 0 ? "ascending" : "descending");
      sortBy(table, column, next);
    });
    head.append(button);
  });
}

// Filtering: what is not ticked is hidden; numbers stay as they are.

function showColumns(table, hidden) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head) => (head.hidden = hidden.has(head.dataset.column)));
  for (const row of table.querySelectorAll("tbody tr")) {
    let column = 0;
    for (const cell of row.cells) {
      const span = Number((cell.dataset.span ??= cell.colSpan));
      const shown = heads.slice(column, column + span).filter((head) => !head.hidden).length;
      cell.hidden = shown === 0;
      cell.colSpan = Math.max(shown, 1);
      column += span;
    }
  }
  table.style.setProperty("--columns", heads.filter((head) => !head.hidden).length - 1);
}

function showRows(table, hidden) {
  for (const body of table.tBodies) {
    const rows = [...body.querySelectorAll("tr[data-row]")];
    rows.forEach((row) => (row.hidden = hidden.has(row.dataset.row)));
    body.hidden = rows.length > 0 && rows.every((row) => row.hidden);
  }
}

function setUpFilter(filter) {
  const boxes = [...filter.querySelectorAll("input[type=checkbox]")];
  const unticked = (kind) => new Set(boxes.filter((box) => box.name === kind && !box.checked).map((box) => box.value));
  const page = filter.closest("article") ?? document; // of several pages in one file, only its own
  const apply = () => {
    const [modes, rows, columns] = ["mode", "row", "column"].map(unticked);
    page.querySelectorAll("[data-mode]").forEach((block) => (block.hidden = modes.has(block.dataset.mode)));
    page.querySelectorAll("table").forEach((table) => showRows(table, rows));
    page.querySelectorAll("figure.table table").forEach((table) => showColumns(table, columns));
    const count = boxes.filter((box) => !box.checked).length;
    filter.querySelector("output").textContent = count ? `${count} of ${boxes.length} hidden` : "everything is shown";
  };
  filter.addEventListener("change", apply);
  filter.querySelector("button").addEventListener("click", () => {
    boxes.forEach((box) => (box.checked = true));
    apply();
  });
  filter.hidden = false;
}

// Sliding: the source lies under every edit; the slider says how much of the edit is seen, from the left.

function layUnder(scope) {
  for (const strip of scope.querySelectorAll("img.strip")) {
    const row = strip.closest("table").querySelector("tbody.source img.strip"); // a source a column, or one for all
    const source = row ?? strip.closest("tr").querySelector("td img");
    strip.parentElement.style.backgroundImage = `url("${source.src}")`; // src is a whole URL: its quotes are escaped
    if (row) strip.parentElement.style.backgroundSize = "100% 100%";
  }
  const sources = scope.querySelectorAll("tr.source td");
  scope.querySelectorAll("tr.edit td").forEach((cell, column) => {
    const source = sources[column].querySelector("img").cloneNode();
    source.alt = "";
    cell.querySelector(".square")?.prepend(source);
  });
}

function setUpSlider(slider) {
  const scope = slider.closest("[data-wipes]");
  let ready = false;
  slider.addEventListener("input", () => {
    if (!ready) layUnder(scope);
    ready = true;
    scope.style.setProperty("--seen", `${slider.value}%`);
    scope.classList.toggle("wiped", slider.value < 100);
  });
  slider.closest(".wipe").hidden = false;
}

document.querySelectorAll("figure.table table").forEach(addSortButtons);
document.querySelectorAll(".filter").forEach(setUpFilter);
document.querySelectorAll(".wipe input").forEach(setUpSlider);
