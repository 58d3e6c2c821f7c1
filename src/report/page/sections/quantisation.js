// Quantisation: what rounding the inputs of the linear maps costs, and what keeping a few values
// in high precision saves.

import {choice, element, figure, panels, paragraph, table} from '../elements.js';
import {agree, listed, number, ofAll, percentage, plural} from '../format.js';
import {axis, curve, drawPlane, logAxis, logRange, whole} from '../plot.js';
import {registerSection} from '../registry.js';
import {finite, greatest} from '../statistics.js';

const kReads = {
  attention: 'Attention input',
  attention_output: 'Attention output projection',
  mixer: 'Mixer without attention',
  mixer_output: 'Output projection of the mixer',
  feed_forward: 'Feed-forward input',
  feed_forward_output: 'Down projection',
  unembedding: 'Unembedding',
};
const kScales = {
  'per tensor': 'per_tensor',
  'per token': 'per_token',
  'per channel': 'per_channel',
};
const kKept = {
  plain: {name: 'nothing kept', hue: 'quiet', symbol: 'x', dash: 'dash'},
  spike_tokens: {name: 'spike tokens kept', hue: 'spike', symbol: 'circle'},
  channels: {name: 'outlier channels kept', hue: 'delimiter', symbol: 'diamond'},
  both: {name: 'both kept', hue: 'ordinary', symbol: 'square'},
};

function inputName({reads, layer}) {
  const name = kReads[reads] ?? reads;
  return layer === null ? name : `${name} of layer ${layer}`;
}

// -- sentences

function errorText(value) {
  return number(value) === '–' ? 'unknown' : percentage(100 * value);
}

function worstInput(inputs, scale) {
  return greatest(inputs, ({errors}) => errors[scale]?.plain ?? NaN);
}

function describeWorst({inputs, options}) {
  const worst = worstInput(inputs, 'per_tensor');
  if (!worst) return 'No error is known.';
  const {plain, spike_tokens: tokens, channels, both} = worst.errors.per_tensor;
  return `With ${options.bits} bits and one scale per tensor, the error of ordinary tokens is ` +
    `largest in the ${inputName(worst).toLowerCase()}: ${errorText(plain)} of the vector’s ` +
    `length. With the spike tokens in high precision it is ${errorText(tokens)}, with the ` +
    `outlier channels ${errorText(channels)}, with both ${errorText(both)}.`;
}

function describeToken({inputs}) {
  const worst = worstInput(inputs, 'per_token');
  if (!worst) return '';
  return 'With one scale per token the largest error is ' +
    `${errorText(worst.errors.per_token.plain)} (${inputName(worst).toLowerCase()}).`;
}

function describeKeep({keep, inputs}) {
  if (keep.length === 0)
    return 'No input gains enough from values kept in high precision to be listed.';
  const names = keep.map((entry) => inputName(entry).toLowerCase());
  return `${ofAll(keep.length, inputs.length, 'inputs')} ${agree(keep.length, 'gains', 'gain')} ` +
    `much from values kept in high precision: ${listed(names, 3)}.`;
}

function summariseQuantisation(section) {
  const {inputs, keep, options} = section;
  const worst = worstInput(inputs, 'per_tensor');
  if (!worst) return '';
  const {plain, both} = worst.errors.per_tensor;
  return `When rounded to ${options.bits} bits, the error of ordinary tokens is largest in the ` +
    `${inputName(worst).toLowerCase()}: ${errorText(plain)} of the vector’s length, ` +
    `${errorText(both)} with spike tokens and outlier channels kept in high precision; ` +
    `${ofAll(keep.length, inputs.length, 'inputs')} ${agree(keep.length, 'gains', 'gain')} ` +
    'much from that.';
}

// -- figures

function errorCurve(inputs, scale, kept) {
  const {name, ...look} = kKept[kept];
  const points = inputs.map((input) => {
    const error = input.errors[scale]?.[kept];
    return {
      x: input.layer,
      y: error > 0 ? error : null,
      text: `${inputName(input)}, ${name}: ${errorText(error)}<br>largest |x|: spike tokens ` +
        `${number(input.largest.spike)}, others ${number(input.largest.ordinary)}`,
    };
  });
  return curve(name, points, {...look, size: 5});
}

// One range for all panels and scales.
function errorRange(inputs) {
  return logRange(inputs.flatMap(({errors}) => Object.values(errors))
    .flatMap((kept) => Object.values(kept)));
}

function drawErrors(container, inputs, scale, range, layers) {
  const traces = Object.keys(kKept).map((kept) => errorCurve(inputs, scale, kept));
  return drawPlane(container, 360, traces.filter((trace) => finite(trace.y).length > 0), {
    showlegend: true,
    xaxis: axis('layer', {range: [-0.6, layers - 0.4], ...whole(layers)}),
    yaxis: logAxis('error / length', {range}),
  });
}

// -- nodes

function errorNodes(inputs) {
  const inLayers = inputs.filter(({layer}) => layer !== null);
  const byReads = [...Map.groupBy(inLayers, ({reads}) => reads)];
  const range = errorRange(inputs);
  if (byReads.length === 0 || !range) return [];
  const layers = 1 + Math.max(...inLayers.map(({layer}) => layer));
  let scale = 'per_tensor';
  const figures = byReads.map(([reads, some], i) => figure(`quantisation-${i}`,
    `Quantisation error by layer: ${kReads[reads] ?? reads}`,
    (container) => drawErrors(container, some, scale, range, layers)));
  const buttons = choice('Scale', Object.keys(kScales), (name) => {
    scale = kScales[name];
    for (const node of figures) node.draw(node);
  });
  return [
    buttons,
    panels(...byReads.map(([reads], i) => [kReads[reads] ?? reads, figures[i]])),
    paragraph('The mean relative error of ordinary tokens when the input of the linear map is ' +
      'rounded, layer by layer; logarithmic. Kept: left in high precision.', 'quiet'),
  ];
}

function keepTable(keep) {
  const name = (row) => row.name;
  const tokens = (row) => (row.spike_tokens ? 'yes' : 'no');
  return table([
    {title: 'Input', left: true, value: inputName, text: inputName},
    {title: 'Hook point', left: true, code: true, value: name, text: name},
    {title: 'Gain', value: (row) => row.gain},
    {
      title: 'Channels to keep',
      left: true,
      value: (row) => row.channels.length,
      text: (row) => listed(row.channels, 8) || '–',
    },
    {title: 'Spike tokens to keep', left: true, value: tokens, text: tokens},
  ], keep);
}

function quantisationNodes(section) {
  const {inputs, keep, spike_tokens: spikes, tokens} = section;
  const title = element('h3', {textContent: 'Quantisation'});
  if (inputs.length === 0) return [title, paragraph('No input of a linear map was measured.')];
  return [
    title,
    paragraph(`${ofAll(spikes, tokens, 'tokens')} ` +
      `${agree(spikes, 'is a spike token', 'are spike tokens')}. ${describeWorst(section)} ` +
      `${describeToken(section)}`),
    ...errorNodes(inputs),
    paragraph(describeKeep(section)),
    ...(keep.length === 0 ? [] : [
      keepTable(keep),
      paragraph('Gain: the factor by which the error shrinks when the listed channels, and the ' +
        `spike tokens where marked, stay in high precision; ${plural(keep.length, 'input')}, ` +
        'most gain first.',
      'quiet'),
    ]),
  ];
}

registerSection({
  key: 'quantisation',
  order: 100,
  chapter: 'Quantisation and key/value cache',
  nodes: quantisationNodes,
  summary: summariseQuantisation,
  definitionName: 'Quantisation',
});
