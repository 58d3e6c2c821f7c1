// Life cycle: where the spikes rise and fall.
'use strict';

/* global element, paragraph, figure, panels, number, plural, listed, rangesOf, blockName */
/* global drawLifeCycle, kCoursesDrawn */
/* exported kLifeCycle, largestPeak */

const kLargestFloat16 = 65504;

function largestPeak(life) {
  const peaks = life.blocks
    .filter(({hidden_state: state}) => state.top.length > 0)
    .map((block) => {
      const {top, median} = block.hidden_state;
      return {...top[0], place: block, median};
    });
  const larger = (a, b) => (b.magnitude > a.magnitude ? b : a);
  return peaks.length > 0 ? peaks.reduce(larger) : null;
}

function tellLifeCycle(life) {
  const peak = largestPeak(life);
  if (!peak) return 'No state was measured.';
  const ratio = Number((peak.magnitude / peak.median).toPrecision(2));
  const times = peak.median > 0 ? `, ${number(ratio)} times the median of that state` : '';
  let largest = `The largest magnitude is ${number(peak.magnitude)}, in channel ` +
    `${peak.channel} after ${blockName(peak.place)}${times}.`;
  const spikes = life.spike_channels;
  if (peak.magnitude > kLargestFloat16) largest += ' float16, which ends at 65,504, overflows.';
  if (spikes.length === 0) return `${largest} No channel is a spike by the definition below.`;
  const {least_magnitude: least} = life.options;
  const leading = life.courses.find((course) => course.channel === spikes[0]);
  const above = leading.hidden_state.flatMap((value, block) => (value > least ? [block] : []));
  return `${largest} ${plural(spikes.length, 'spike channel')}: ${listed(spikes)}. ` +
    `Channel ${spikes[0]} exceeds ${least} after ${rangesOf('block', above)}.`;
}

function tellSteps(life) {
  const name = (block) => blockName(life.blocks[block - 1]);
  const side = (what, blocks) => (blocks.length > 0 ? `${what}: ${listed(blocks.map(name))}.` : '');
  return `${side('Step-up', life.step_up)} ${side('Step-down', life.step_down)}`;
}

function lifeCycleCaption(life) {
  const spikes = life.courses.length;
  const most = spikes > kCoursesDrawn ? `${kCoursesDrawn} largest ` : '';
  const steps = life.step_up.length + life.step_down.length;
  return [
    'Hidden state: the residual stream after each block. Block output: what that block adds to it.',
    'Dots: the largest magnitudes of different channels over all tokens (hollow: attention blocks;',
    'full: feed-forward).',
    spikes > 0 ? `Bands: the maxima of the ${most}spike channels.` : '',
    steps > 0 ? 'Vertical lines: step-up and step-down blocks.' : '',
  ].join(' ');
}

function lifeCycleNodes(life) {
  const hidden = figure('life-hidden-state', 'Largest magnitudes after each block',
    (container) => drawLifeCycle(container, life, 'hidden_state'));
  const output = figure('life-output', 'Largest magnitudes of the output of each block',
    (container) => drawLifeCycle(container, life, 'output'));
  return [
    paragraph(tellLifeCycle(life)),
    paragraph(tellSteps(life)),
    panels(['Hidden state', hidden], ['Block output', output]),
    paragraph(lifeCycleCaption(life), 'quiet'),
  ];
}

const kLifeCycle = {key: 'life_cycle', build: lifeCycleNodes};
