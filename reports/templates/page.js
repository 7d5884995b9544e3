"use strict";
// The page is whole without this: it adds filters, sorting, copy buttons, and opens what a link leads to.
(() => {
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  for (const table of document.querySelectorAll("table[data-filter]")) {
    const input = make("input", { type: "search", autocomplete: "off", spellcheck: false });
    const told = make("output", { className: "told" });
    const label = make("label", { className: "filter" }, `Filter ${table.dataset.filter} `, input, told);
    table.closest(".scroll").before(label);
    const bodies = [...table.tBodies].map((body) => {
      const rows = [...body.rows];
      const grouped = rows[0]?.cells[0]?.scope === "rowgroup";
      const head = grouped ? rows.shift().textContent : "";
      return { body, rows: rows.map((row) => [row, `${head} ${row.textContent}`.toLowerCase()]) };
    });
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const { body, rows } of bodies) {
        let here = 0;
        for (const [row, text] of rows) {
          row.hidden = !words.every((word) => text.includes(word));
          here += !row.hidden;
        }
        body.hidden = here === 0;
        shown += here;
      }
      told.textContent = words.length ? `${shown} shown` : "";
      table.classList.toggle("filtered", words.length > 0);
    });
  }

  for (const table of document.querySelectorAll("table[data-sort]")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if ("still" in head.dataset) return;
      const button = make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
        const keyed = [...table.tBodies[0].rows].map((row) => {
          const cell = row.cells[column];
          const value = cell.dataset.v;
          return [row, value === undefined ? cell.textContent : value === "" ? NaN : Number(value)];
        });
        keyed.sort(([, a], [, b]) => {
          if (typeof a === "string" || typeof b === "string") return down * String(a).localeCompare(String(b));
          if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
          return down * (a - b);
        });
        table.tBodies[0].append(...keyed.map(([row]) => row));
        table.classList.add("sorted");
      });
    });
  }

  for (const command of document.querySelectorAll(".command")) {
    const button = make("button", { type: "button" }, "Copy");
    command.append(button);
    button.addEventListener("click", async () => {
      const code = command.querySelector("code");
      getSelection().selectAllChildren(code);
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    });
  }

  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
})();
