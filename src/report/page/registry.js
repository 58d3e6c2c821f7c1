// The sections that a page can show. Each file of sections/ registers one; CMake finds the files.

import {attempt} from './errors.js';

// What a section is registered with. All functions get (section, report): the value of `key` in
// report.json, and the whole of it. All but `key` and `order` may be left out.
const kFields = [
  'key',             // its name in report.json
  'order',           // its position on the page, among all sections
  'chapter',         // the title of the chapter that it opens
  'chapterOf',       // instead: the key of the section whose chapter it continues
  'nodes',           // -> the nodes of its chapter
  'summary',         // -> one sentence for the summary, or ''
  'keyFigures',      // -> key figures of the header
  'warning',         // -> what a reader must know before trusting the numbers, or ''
  'name',            // -> the heading of a report that has no model
  'facts',           // -> facts below the heading
  'definitionName',  // the name of its `definition` and `options` under Definitions
  'definitions',     // -> more definitions: pairs of a name and a text
];

const sections = [];

export function registerSection(section) {
  const unknown = Object.keys(section).find((field) => !kFields.includes(field));
  if (unknown) throw new Error(`Section ${section.key} has the unknown field ${unknown}`);
  sections.push(section);
  sections.sort((a, b) => a.order - b.order);
}

// The sections that a report has, in the order of the page.
export function sectionsOf(report) {
  return sections.filter(({key}) => report[key]);
}

// The section that opens the chapter of this one; undefined outside all chapters.
export function openerOf({key, chapter, chapterOf}) {
  if (!chapter && !chapterOf) return undefined;
  const opener = sections.find((other) => other.chapter && other.key === (chapterOf ?? key));
  if (!opener) throw new Error(`Section ${key} continues a chapter that no section opens`);
  return opener;
}

// The results of the function `field` of some sections, in one list.
export function collect(some, field, report) {
  return some.filter((section) => section[field])
    .flatMap((section) => attempt(() => section[field](report[section.key], report)));
}
