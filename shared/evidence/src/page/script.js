"use strict";
// Filters, sorts and saves. Everything that the page says, it says without this script.
(() => {
  const rows = [...document.querySelectorAll("tbody tr")];
  const main = document.querySelector("main");
  const tools = document.createElement("div");
  tools.className = "tools";
  const label = document.createElement("label");
  label.htmlFor = "filter";
  label.textContent = "Filter rows";
  const input = document.createElement("input");
  input.type = "search";
  input.id = "filter";
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  tools.append(label, input, status);
  main.insertBefore(tools, document.getElementById("findings"));
  let texts;
  input.addEventListener("input", () => {
    texts ??= rows.map((row) => row.textContent.toLowerCase());
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, nth) => {
      row.hidden = !words.every((word) => texts[nth].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    status.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
  });

  for (const heading of document.querySelectorAll("thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const isAscending = heading.getAttribute("aria-sort") !== "ascending";
      for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", isAscending ? "ascending" : "descending");
      const body = heading.closest("table").tBodies[0];
      const nth = heading.cellIndex;
      const key = (row) => row.cells[nth].textContent.trim();
      const sorted = [...body.rows].map((row) => [key(row), row]);
      sorted.sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }) * (isAscending ? 1 : -1));
      body.append(...sorted.map(([, row]) => row));
    });
  }

  const json = document.getElementById("evidence");
  if (json) {
    const save = document.createElement("button");
    save.type = "button";
    save.textContent = "Save the JSON";
    save.addEventListener("click", () => {
      // The same bytes as in the file whose digest the page shows.
      const text = JSON.stringify(JSON.parse(json.textContent));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
      link.download = "evidence.json";
      link.click();
      URL.revokeObjectURL(link.href);
    });
    document.getElementById("save").append(save);
  }

  // Folded parts belong to the paper, too.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });
})();
