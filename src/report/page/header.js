// The header: the name of the report, its facts and the key figures; the summary and the contents.

import {alarm, element, paragraph} from './elements.js';
import {plural} from './format.js';
import {collect, sectionsOf} from './registry.js';

export function drawHeader(report) {
  const {program, configuration = {}, model} = report;
  const ofSections = (field) => collect(sectionsOf(report), field, report);
  const {model: path, dtype, sequences, length} = configuration;
  const name = path?.split('/').filter(Boolean).pop() ?? ofSections('name')[0] ?? program;
  const facts = [
    model?.model_type,
    model && plural(model.n_layers, 'layer'),
    model && plural(model.n_heads, 'head'),
    model && plural(model.d_model, 'channel'),
    dtype,
    sequences && `${plural(sequences, 'sequence')} of up to ${plural(length, 'token')}`,
    ...ofSections('facts'),
  ];
  const warnings = ofSections('warning').filter(Boolean);
  document.title = `${name} – spikesink ${program}`;
  document.getElementById('page').append(element('header', {},
    element('div', {className: 'program', textContent: `spikesink ${program}`}),
    element('h1', {textContent: name}),
    paragraph(facts.filter(Boolean).join(' · '), 'quiet'),
    ...(warnings.length > 0 ? [alarm(warnings.join(' '))] : []),
    element('div', {className: 'keys'}, ...ofSections('keyFigures'))));
}

// A few sentences, each after the title of its chapter.
export function summaryNodes(chapters) {
  const summarised = chapters.filter(({summary}) => summary.length > 0);
  if (summarised.length === 0) return [];
  const item = ({id, title, summary}) => element('li', {},
    element('a', {href: `#${id}`, textContent: title}), ` ${summary.join(' ')}`);
  return [element('div', {className: 'summary'},
    element('h2', {textContent: 'Summary'}),
    element('ul', {}, ...summarised.map(item)))];
}

export function contents(chapters) {
  const link = ({id, title}) => element('a', {href: `#${id}`, textContent: title});
  return element('nav', {className: 'contents', ariaLabel: 'Contents'}, ...chapters.map(link));
}
