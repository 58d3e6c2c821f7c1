// What the words of the page mean, and how the run was made.
'use strict';

/* global fold, percentage */
/* exported definitionNodes */

// In the order of the page. Sections without a definition of their own are not among them.
const kDefined = {
  life_cycle: 'Spike channels, step-up and step-down blocks',
  not_finite: 'Values that are not finite',
  spike_tokens: 'Spike tokens',
  massive_activations: 'Massive activations',
  gate_linearity: 'Gate linearity',
  quadratic_form: 'Quadratic forms',
  vocabulary_probe: 'Vocabulary',
  self_attention: 'Self-attention',
  sparse_constants: 'Sparse constants',
  sink_geometry: 'Geometry of the sinks',
  attention_sinks: 'Attention sinks',
  sinks_anywhere: 'Sinks anywhere',
  quantisation: 'Quantisation',
  kv_cache: 'Key/value cache',
  parity: 'Parity',
  perplexity: 'Perplexity',
  training: 'Training',
};

function optionPairs({options}) {
  if (!options) return [];
  return [['… with', Object.entries(options).map((pair) => pair.join(' = ')).join(', ')]];
}

function formDefinitions({prediction, comparison, fit}) {
  return [
    ['Prediction from the weights', prediction?.rule],
    ['Prediction and measurement', comparison?.definition],
    ['Fit of the forms', fit?.definition],
  ].filter(([, text]) => text);
}

function sinkDefinitions({definitions: words, ratios}) {
  const ofRatios = Object.entries(ratios).map(([name, percent]) =>
    [`Sink ratio “${name}” = ${percentage(percent)}`, words[name]]);
  return [['Importance of a key', words.importance], ...ofRatios];
}

function trainingDefinitions({definition, epsilon}) {
  if (definition !== 'gu') return [];
  return [['Sink ratio “gu” of validation', 'arXiv 2410.10781: the share of (sequence, layer, ' +
    `head) in which the mean of A[i, 0] over queries i exceeds ${epsilon}.`]];
}

// Pairs of a name and what it means.
function definitionsOf(key, section) {
  if (key === 'attention_sinks') return sinkDefinitions(section);
  if (key === 'training') return trainingDefinitions(section);
  const own = section.definition ? [[kDefined[key], section.definition]] : [];
  return [...own, ...optionPairs(section),
    ...(key === 'quadratic_form' ? formDefinitions(section) : [])];
}

function definitions(report) {
  const found = Object.keys(kDefined).filter((key) => report[key])
    .flatMap((key) => definitionsOf(key, report[key]));
  return [...found, ['Counting', 'Blocks count from 1, two a layer: attention, then ' +
    'feed-forward. Layers, heads, channels, positions and sequences count from 0. Magnitudes ' +
    'are absolute.']];
}

function definitionNodes({program, configuration, model, versions, schema, ...report}) {
  const entries = (values) => Object.entries(values ?? {});
  return [
    fold('Definitions', true, definitions(report)),
    fold('Configuration of this run', false, [['program', program], ...entries(configuration)]),
    ...(model ? [fold('Model', false, entries(model))] : []),
    fold('Versions', false, [...entries(versions), ['report format', schema.version],
      ['repeats with', report.repeats_with]]),
  ];
}
