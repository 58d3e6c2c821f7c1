// The definitions behind the numbers of the page, and how the run was made.

import {fold} from './elements.js';
import {sectionsOf} from './registry.js';

// Pairs of a name and its definition.
function definitionsOf({definitionName: name, definitions}, section, report) {
  const {definition, options} = section;
  const values = Object.entries(options ?? {}).map((pair) => pair.join(' = ')).join(', ');
  return [
    ...(name && definition ? [[name, definition]] : []),
    ...(name && options ? [['Options', values]] : []),
    ...(definitions ? definitions(section, report) : []),
  ];
}

function allDefinitions(report) {
  const found = sectionsOf(report)
    .flatMap((section) => definitionsOf(section, report[section.key], report));
  return [...found, ['Counting', 'Blocks count from 1, two per layer: attention, then ' +
    'feed-forward. Layers, heads, channels, positions and sequences count from 0. Magnitudes ' +
    'are absolute.']];
}

export function definitionNodes(report) {
  const {program, configuration, model, versions, schema, repeats_with: repeats} = report;
  const entries = (values) => Object.entries(values ?? {});
  return [
    fold('Definitions', true, allDefinitions(report)),
    fold('Configuration of this run', false, [['program', program], ...entries(configuration)]),
    ...(model ? [fold('Model', false, entries(model))] : []),
    fold('Versions', false, [...entries(versions), ['report format', schema.version],
      ['repeats with', repeats]]),
  ];
}
