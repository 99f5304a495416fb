"use strict";
const filters = document.getElementById("filters");
const rows = [...document.querySelectorAll("#rows > *")];
const shown = document.getElementById("shown");
const keys = [...filters.querySelectorAll("select")].map((select) => select.name);

function apply() {
  const wanted = Object.fromEntries(new FormData(filters));
  const id = wanted.id.trim().toLowerCase();
  let count = 0;
  for (const row of rows) {
    const fits = keys.every((key) => !wanted[key] || row.dataset[key].split(" ").includes(wanted[key]))
      && row.dataset.id.toLowerCase().includes(id);
    row.hidden = !fits;
    count += fits ? 1 : 0;
  }
  shown.textContent = `${count} of ${rows.length} shown`;
}

filters.addEventListener("input", apply);
filters.addEventListener("submit", (event) => event.preventDefault());
apply();
