// Unpacks plotly.js and draws each chart from the JSON before it.
const bytes = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
const library = document.createElement("script");
library.textContent = await new Response(unpacked).text();
document.head.append(library);
const charts = [...document.querySelectorAll(".chart")];
const config = { responsive: true, displayModeBar: false };
for (const chart of charts) {
  const { data, layout } = JSON.parse(chart.previousElementSibling.textContent);
  await Plotly.newPlot(chart, data, layout, config);
}
// The MLflow UI shows a page as a blob, in which a browser follows no link to a section.
addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (!link || location.protocol !== "blob:") return;
  event.preventDefault();
  document.querySelector(link.getAttribute("href")).scrollIntoView();
});
// Paper is narrower than most screens, and printing does not wait: relayout draws at once.
addEventListener("beforeprint", () => {
  document.body.classList.add("paper");
  for (const chart of charts) Plotly.relayout(chart, { width: chart.parentElement.clientWidth });
});
addEventListener("afterprint", () => {
  document.body.classList.remove("paper");
  for (const chart of charts) Plotly.relayout(chart, { width: null, autosize: true });
});
document.documentElement.dataset.drawn = charts.length;
