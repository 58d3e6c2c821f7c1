// The page of a spikesink report: reads the JSON of #report and builds a chapter for the sections
// that it has. Runs after all sections have been registered.

import {definitionNodes} from './definitions.js';
import {element} from './elements.js';
import {attempt, showError} from './errors.js';
import {contents, drawHeader, summaryNodes} from './header.js';
import {collect, openerOf, sectionsOf} from './registry.js';

// What a chapter shows of this report.
function chapterOf(report, opener, sections) {
  return {
    id: opener.key.replaceAll('_', '-'),
    title: opener.chapter,
    nodes: collect(sections, 'nodes', report),
    summary: collect(sections, 'summary', report).filter(Boolean),
  };
}

function addChapters(report) {
  const inChapters = sectionsOf(report).filter(openerOf);
  const byOpener = Map.groupBy(inChapters, openerOf);
  const chapters = [
    ...[...byOpener].map(([opener, sections]) => chapterOf(report, opener, sections)),
    {
      id: 'definitions',
      title: 'Definitions and configuration',
      nodes: attempt(() => definitionNodes(report)),
      summary: [],
    },
  ].filter(({nodes}) => nodes.length > 0);
  const page = document.getElementById('page');
  page.append(...summaryNodes(chapters), contents(chapters));
  for (const {id, title, nodes} of chapters)
    page.append(element('section', {id}, element('h2', {textContent: title}), ...nodes));
}

// Sets data-drawn, on the root element, to the number of figures that have been drawn.
async function drawAll() {
  const figures = [...document.querySelectorAll('.figure')];
  const outcomes = await Promise.allSettled(figures.map(async (figure) => figure.draw(figure)));
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  failed.forEach((outcome) => showError(outcome.reason));
  document.documentElement.dataset.drawn = outcomes.length - failed.length;
}

async function start() {
  const report = JSON.parse(document.getElementById('report').textContent);
  attempt(() => drawHeader(report));
  addChapters(report);
  await drawAll();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
}

start().catch(showError);
