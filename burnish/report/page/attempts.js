"use strict";
(() => {
  const chosen = (form, group, fallback) => form.querySelector(`input[name^="${group}-"]:checked`)?.value ?? fallback;

  for (const box of document.querySelectorAll(".attempts")) {
    const form = box.querySelector(".filter");
    const problems = [...box.querySelectorAll(".asked-again")].map((card) => ({
      card,
      kinds: JSON.parse(card.dataset.kinds),
      chains: [...card.querySelectorAll(".chain")].map((chain) => ({ chain, stage: JSON.parse(chain.dataset.stage) })),
    }));
    const stages = JSON.parse(box.dataset.stages);

    const stage = () => stages[Number(chosen(form, "model", 0))];
    const kindOf = (problem) => problem.kinds[stage()]?.[Number(chosen(form, "transition", 0))];

    const count = () => {
      for (const input of form.querySelectorAll('input[name^="kind-"]')) {
        const found = problems.filter((p) => kindOf(p) && (input.value === "all" || kindOf(p) === input.value));
        input.nextElementSibling.textContent = `${input.value} ${found.length}`;
      }
    };
    const filter = () => {
      const wanted = chosen(form, "kind", "all");
      let shown = 0;
      for (const problem of problems) {
        const kind = kindOf(problem);
        problem.card.hidden = !kind || (wanted !== "all" && kind !== wanted);
        shown += problem.card.hidden ? 0 : 1;
      }
      form.querySelector(".count").textContent = `${shown} of ${problems.length} shown`;
    };
    const unfold = () => {
      for (const { chains } of problems) {
        for (const { chain, stage: its } of chains) chain.open = its === stage();
      }
    };
    form.addEventListener("change", (event) => {
      if (event.target.name.startsWith("model-")) unfold();
      count();
      filter();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    count();
    filter();
  }
})();
