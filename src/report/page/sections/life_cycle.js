// Life cycle: where the spikes rise and fall.

import {element, figure, kBlockColumns, keyFigure, panels, paragraph, table} from '../elements.js';
import {agree, blockName, listed, number, percentage, plural, ranges, rangesOf} from '../format.js';
import {registerSection} from '../registry.js';
import {greatest} from '../statistics.js';
import {drawLifeCycle, kCoursesDrawn} from '../figures/life_cycle.js';

const kLargestFloat16 = 65504;
const kBlocksNamed = 3;
const kLargeShare = 0.2;  // of an episode’s spike, for a step down that the summary names

function largestPeak(life) {
  const peaks = life.blocks
    .filter(({hidden_state: state}) => state.top.length > 0)
    .map((block) => {
      const {top, median} = block.hidden_state;
      return {...top[0], block, median};
    });
  const larger = (a, b) => (b.magnitude > a.magnitude ? b : a);
  return peaks.length > 0 ? peaks.reduce(larger) : null;
}

function timesMedian({magnitude, median}) {
  return number(Number((magnitude / median).toPrecision(2)));
}

function describeLifeCycle(life) {
  const peak = largestPeak(life);
  if (!peak) return 'No state was measured.';
  const times = peak.median > 0 ? `, ${timesMedian(peak)} times the median of that state` : '';
  let largest = `The largest magnitude is ${number(peak.magnitude)}, in channel ` +
    `${peak.channel} after ${blockName(peak.block)}${times}.`;
  const spikes = life.spike_channels;
  if (peak.magnitude > kLargestFloat16) largest += ' float16, which ends at 65,504, overflows.';
  if (spikes.length === 0)
    return `${largest} No channel is a spike channel by the definition below.`;
  const {least_magnitude: least} = life.options;
  const leading = life.courses.find((course) => course.channel === spikes[0]);
  const above = leading.hidden_state.flatMap((value, block) => (value > least ? [block] : []));
  return `${largest} ${plural(spikes.length, 'spike channel')}: ${listed(spikes)}. ` +
    `Channel ${spikes[0]} exceeds ${least} after ${rangesOf('block', above)}.`;
}

// By name where they are few.
function describeBlocks(life, blocks) {
  if (blocks.length > kBlocksNamed) return rangesOf('block', blocks);
  return listed(blocks.map((block) => blockName(life.blocks[block - 1])));
}

function describeSteps(life) {
  const side = (what, blocks) =>
    (blocks.length > 0 ? `${what}: ${describeBlocks(life, blocks)}.` : '');
  return `${side('Step-up', life.step_up)} ${side('Step-down', life.step_down)}`;
}

function lifeCycleCaption(life) {
  const spikes = life.courses.length;
  const most = spikes > kCoursesDrawn ? `${kCoursesDrawn} largest ` : '';
  const steps = life.step_up.length + life.step_down.length;
  return [
    'Hidden state: the residual stream after each block. Block output: what that block adds to it',
    '(figure 1 of arXiv 2603.05498).',
    'Dots: the largest magnitudes of different channels over all tokens (hollow: attention blocks;',
    'full: feed-forward).',
    spikes > 0 ? `Bands: the maxima of the ${most}spike channels.` : '',
    steps > 0 ? 'Vertical lines: step-up and step-down blocks.' : '',
  ].join(' ');
}

const kStepColumns = [
  ...kBlockColumns,
  {title: 'Step', left: true, value: stepName, text: stepName},
  {title: 'Channel', value: (row) => row.channel, text: (row) => String(row.channel)},
  {title: 'Before', value: (row) => row.before},
  {title: 'After', value: (row) => row.after},
  {title: 'Share of the episode’s spike', value: (row) => row.share, text: shareText},
];

function stepName({before, after}) {
  return after > before ? 'up' : 'down';
}

function shareText({share}) {
  return percentage(share === null ? null : 100 * share);
}

function describeEpisodes({episodes = []}) {
  if (episodes.length === 0) return '';
  const names = episodes.map(({first, last, peak}) => {
    const run = first === last ? `block ${first}` : `blocks ${first}–${last}`;
    return `${run} (up to ${number(peak.magnitude)}, in channel ${peak.channel})`;
  });
  return `${plural(episodes.length, 'episode')} of spikes: after ${listed(names)}.`;
}

function stepNodes({steps = []}) {
  if (steps.length === 0) return [];
  return [
    element('h3', {textContent: 'Steps (table 1)'}),
    table(kStepColumns, steps),
    paragraph('For each step: the channel that changes most, and its maximum before and ' +
      'after.', 'quiet'),
  ];
}

function lifeCycleNodes(life) {
  const hidden = figure('life-hidden-state', 'Largest magnitudes after each block',
    (container) => drawLifeCycle(container, life, 'hidden_state'));
  const output = figure('life-output', 'Largest magnitudes of the output of each block',
    (container) => drawLifeCycle(container, life, 'output'));
  return [
    paragraph(`${describeLifeCycle(life)} ${describeEpisodes(life)}`),
    paragraph(describeSteps(life)),
    panels(['Hidden state', hidden], ['Block output', output]),
    paragraph(lifeCycleCaption(life), 'quiet'),
    ...stepNodes(life),
  ];
}

// The step that makes the largest share of the spike, and the later ones that remove it.
function largeSteps({steps = []}) {
  const known = steps.filter(({share}) => Number.isFinite(share));
  const up = greatest(known.filter(({before, after}) => after > before), ({share}) => share);
  const down = known.filter(({block, before, after, share}) =>
    up && block > up.block && after < before && share >= kLargeShare);
  return {up, down};
}

function describeLargeSteps(life) {
  const {up, down} = largeSteps(life);
  if (!up) return '';
  const ends = down.length > 0 ? `; ${rangesOf('block', down.map(({block}) => block))} ` +
    `${agree(down.length, 'removes', 'remove')} most of it` : '';
  return ` Its largest step is ${blockName(up)}, from ${number(up.before)} to ` +
    `${number(up.after)} in channel ${up.channel}${ends}.`;
}

function summariseLifeCycle(life) {
  const peak = largestPeak(life);
  if (!peak) return '';
  const times = peak.median > 0 ? `, ${timesMedian(peak)} times the median` : '';
  const size = `The largest magnitude is ${number(peak.magnitude)} in channel ` +
    `${peak.channel}${times}`;
  if (life.spike_channels.length === 0) return `${size}: no spike.`;
  return `${size}.${describeLargeSteps(life)}`;
}

function describeNotFinite(life) {
  const states = [
    {state: life.embedding, where: 'in the embedding'},
    ...life.blocks.flatMap((block) => [
      {state: block.output, where: `in the output of ${blockName(block)}`},
      {state: block.hidden_state, where: `after ${blockName(block)}`},
    ]),
  ].filter(({state}) => state.not_finite > 0);
  if (states.length === 0) return '';
  const count = states.reduce((sum, {state}) => sum + state.not_finite, 0);
  return `${plural(count, 'value')} of the hidden states and block outputs ` +
    `${agree(count, 'is', 'are')} NaN or infinite, first ${states[0].where}. ` +
    `Maxima and medians leave ${agree(count, 'it', 'them')} out.`;
}

function lifeCycleKeyFigures(life) {
  const peak = largestPeak(life);
  const blocks = `of ${plural(life.blocks.length, 'block')}`;
  return [
    ...(peak ? [keyFigure('Largest magnitude', number(peak.magnitude),
      `channel ${peak.channel}, after ${blockName(peak.block)}`)] : []),
    keyFigure('Step-up blocks', ranges(life.step_up) || 'none', blocks),
    keyFigure('Step-down blocks', ranges(life.step_down) || 'none', blocks),
  ];
}

registerSection({
  key: 'life_cycle',
  order: 10,
  chapter: 'Life cycle of the spikes',
  nodes: lifeCycleNodes,
  summary: summariseLifeCycle,
  keyFigures: lifeCycleKeyFigures,
  warning: describeNotFinite,
  definitionName: 'Spike channels, step-up and step-down blocks',
});
