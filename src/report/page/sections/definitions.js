// What the words of the page mean, and how the run was made.
'use strict';

/* global fold, percentage */
/* exported definitionNodes */

// Pairs of a name and what it means.
function definitions(report) {
  const {life_cycle: life, massive_activations: massive, attention_sinks: sinks} = report;
  const options = (values) => Object.entries(values).map((pair) => pair.join(' = ')).join(', ');
  const found = [];
  if (life) {
    found.push(
      ['Spike channels, step-up and step-down blocks', life.definition],
      ['… with', options(life.options)]);
  }
  if (massive) {
    found.push(
      ['Massive activations', massive.definition],
      ['… with', options(massive.options)]);
  }
  if (sinks) {
    found.push(['Importance of a key', sinks.definitions.importance]);
    for (const [name, percent] of Object.entries(sinks.ratios)) {
      found.push([`Sink ratio “${name}” = ${percentage(percent)}`, sinks.definitions[name]]);
    }
  }
  if (report.parity) found.push(['Parity', report.parity.definition]);
  if (report.perplexity) found.push(['Perplexity', report.perplexity.definition]);
  found.push(['Counting', 'Blocks count from 1, two a layer: attention, then feed-forward. ' +
    'Layers, heads, channels, positions and sequences count from 0. Magnitudes are absolute.']);
  return found;
}

function definitionNodes({program, configuration, model, versions, schema, ...report}) {
  const entries = (values) => Object.entries(values ?? {});
  return [
    fold('Definitions', true, definitions(report)),
    fold('Configuration of this run', false, [['program', program], ...entries(configuration)]),
    fold('Model', false, entries(model)),
    fold('Versions', false, [...entries(versions), ['report format', schema.version]]),
  ];
}
