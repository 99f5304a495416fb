"use strict";
const filters = document.getElementById("filters");
const rows = [...document.querySelectorAll("#rows > details")];
const shown = document.getElementById("shown");

function apply() {
  const wanted = Object.fromEntries(new FormData(filters));
  let count = 0;
  for (const row of rows) {
    const fits = ["suite", "verdict", "level"].every((key) => !wanted[key] || row.dataset[key] === wanted[key])
      && row.dataset.id.includes(wanted.id.trim());
    row.hidden = !fits;
    count += fits ? 1 : 0;
  }
  shown.textContent = `${count} of ${rows.length} shown`;
}

filters.addEventListener("input", apply);
filters.addEventListener("submit", (event) => event.preventDefault());
apply();
