// The tables of the quadratic forms: prediction and measurement, quality of the fit, super weights.

import {element, kBlockColumns, paragraph, table} from '../elements.js';
import {agree, number, plural, ranges} from '../format.js';
import {quantile} from '../statistics.js';

// -- prediction

function describeComparison(prediction, comparison) {
  if (prediction.steps.length === 0) {
    const missed = comparison?.spike_channels.measured_alone.length ?? 0;
    const but = missed === 0 ? '' :
      `, although the measurement finds ${plural(missed, 'spike channel')}`;
    return `The weights predict no step and no spike${but}.`;
  }
  if (!comparison) return 'There is no measurement to compare the prediction with.';
  const sets = [comparison.spike_channels, comparison.step_up, comparison.step_down];
  const sum = (field) => sets.reduce((total, set) => total + set[field].length, 0);
  const [both, predicted, measured] = ['both', 'predicted_alone', 'measured_alone'].map(sum);
  if (predicted + measured === 0) return 'The prediction and the measurement agree completely.';
  const confirmed = predicted === 0 ? 'Every prediction is measured too' :
    `Of ${both + predicted} predictions ${both} ${agree(both, 'is', 'are')} measured too`;
  return `${confirmed}; ${measured} ${agree(measured, 'finding is', 'findings are')} not ` +
    'predicted.';
}

function comparisonTable(comparison) {
  const cell = (field) => ({
    left: true,
    value: (row) => row[field].length,
    text: (row) => ranges(row[field]) || '–',
  });
  const name = (row) => row.name;
  return table([
    {title: 'Quantity', left: true, value: name, text: name},
    {title: 'Predicted and measured', ...cell('both')},
    {title: 'Only predicted', ...cell('predicted_alone')},
    {title: 'Only measured', ...cell('measured_alone')},
  ], [
    {name: 'Spike channels', ...comparison.spike_channels},
    {name: 'Step-up blocks', ...comparison.step_up},
    {name: 'Step-down blocks', ...comparison.step_down},
  ]);
}

function predictedStepTable(steps) {
  const direction = ({up}) => (up ? 'up' : 'down');
  return table([
    ...kBlockColumns,
    {title: 'Channel', value: (row) => row.channel, text: (row) => String(row.channel)},
    {title: 'Step', left: true, value: direction, text: direction},
    {title: 'Leading eigenvalue', value: (row) => row.eigenvalue},
    {title: 'Largest possible output', value: (row) => row.max_added},
  ], steps);
}

export function predictionNodes({prediction, comparison}) {
  const {steps} = prediction;
  const known = comparison && Object.values(comparison).some((set) =>
    [set.both, set.predicted_alone, set.measured_alone].some((list) => list?.length > 0));
  return [
    element('h3', {textContent: 'Prediction and measurement'}),
    paragraph(describeComparison(prediction, comparison)),
    ...(known ? [comparisonTable(comparison)] : []),
    ...(steps.length === 0 ? [] : [
      paragraph('The predicted steps, in the order of the blocks. The sign of the eigenvalue is ' +
        'that of what the block adds; a step of the other sign ends the spike.', 'quiet'),
      predictedStepTable(steps),
    ]),
  ];
}

// -- fit

function describeFit(channels) {
  const median = quantile(channels.map(({open}) => open.r_squared), 0.5);
  const poor = channels.filter(({open}) => !(open.r_squared > 0.5)).length;
  const low = poor === 0 ? 'none' : `${poor} of ${plural(channels.length, 'channel')}`;
  return 'Where it opens the gate, the trigger alone explains the output of these channels over ' +
    `all tokens with a median R² of ${number(median, 2)} (R² of at most 0.5: ${low}).`;
}

export function fitNodes({fit}) {
  if (!fit?.channels?.length) return [];
  const squared = (field) => (row) => row[field].r_squared;
  return [
    element('h3', {textContent: 'How well the form fits'}),
    paragraph(describeFit(fit.channels)),
    table([
      {title: 'Block', value: (row) => row.block},
      {title: 'Channel', value: (row) => row.channel, text: (row) => String(row.channel)},
      {title: 'R², open trigger', value: squared('open')},
      {title: 'R², trigger', value: squared('leading')},
      {title: 'R², whole form', value: squared('full')},
      {title: 'Largest measured', value: (row) => row.open.largest_measured},
      {title: 'Largest predicted', value: (row) => row.open.largest_predicted},
    ], fit.channels),
    paragraph('Trigger: the leading eigenvalue times the square of the token’s component along ' +
      'the trigger; open: only where that component opens the gate. Below 0 the mean is a better ' +
      'predictor.', 'quiet'),
  ];
}

// -- super weights

export function superWeightNodes({blocks}) {
  const rows = blocks.flatMap(({block, channels}) =>
    channels.flatMap(({channel, super_weights: weights = []}) =>
      weights.map((weight) => ({...weight, block, channel}))));
  if (rows.length === 0) return [];
  const compared = rows.some((row) => Number.isFinite(row.gate_up_cosine));
  return [
    element('h3', {textContent: 'Super weights'}),
    table([
      {title: 'Block', value: (row) => row.block},
      {title: 'Channel', value: (row) => row.row, text: (row) => String(row.row)},
      {title: 'Hidden unit', value: (row) => row.column, text: (row) => String(row.column)},
      {title: 'Weight', value: (row) => row.weight},
      {title: 'Share of the eigenvalue', value: (row) => row.share},
      ...(compared ? [
        {title: '|cos| of gate and up', value: (row) => row.gate_up_cosine},
        {title: 'Other units below, %', value: (row) => row.gate_up_percentile},
      ] : []),
    ], rows),
    paragraph('Single weights of the down projection, from hidden unit to channel, that make up ' +
      'most of a leading eigenvalue (arXiv 2411.07191). Shares of all hidden units sum to one; ' +
      'some are negative.', 'quiet'),
  ];
}
