// The quadratic forms of the feed-forward blocks: what the weights predict without any text.

import {figure, keyFigure, panels, paragraph} from '../elements.js';
import {agree, blockName, listed, number, plural, rangesOf} from '../format.js';
import {registerSection} from '../registry.js';
import {greatest, mean} from '../statistics.js';
import {collinearRowNodes} from '../figures/collinear_rows.js';
import {drawNorms, drawSpectra, drawTriggers} from '../figures/quadratic_form.js';
import {fitNodes, predictionNodes, superWeightNodes} from '../figures/quadratic_form_tables.js';

// The channels of all blocks that are outliers, or their controls, with their block.
function formsOf(blocks, field) {
  return blocks.flatMap(({block, layer, kind, [field]: forms, median_norm: median, ...more}) =>
    forms.map((form) => ({
      ...form, block, layer, kind, ratio: form.frobenius_norm / median, limit: more.outlier_norm,
    })));
}

// Those beyond the limit, whether or not they have a spectrum.
function outliersOf({blocks}) {
  return formsOf(blocks, 'channels').filter(({frobenius_norm: norm, limit}) => norm >= limit);
}

// -- sentences

function describeOutliers({blocks}, outliers) {
  const limit = 'the limit of outliers of its block';
  if (outliers.length === 0) {
    const most = greatest(formsOf(blocks, 'channels'), ({ratio}) => ratio);
    if (!most) return 'No norm is known.';
    return `No channel’s norm reaches ${limit}: the largest, ${number(most.ratio, 3)} medians, ` +
      `is that of channel ${most.channel} in ${blockName(most)}.`;
  }
  const byChannel = [...Map.groupBy(outliers, ({channel}) => channel)]
    .sort((a, b) => b[1].length - a[1].length || b[1][0].ratio - a[1][0].ratio);
  const names = byChannel.map(([channel, forms]) =>
    `channel ${channel} in ${rangesOf('block', forms.map(({block}) => block))}`);
  const count = outliers.length;
  return `${plural(count, 'norm')} ${agree(count, 'reaches', 'reach')} ${limit}: ` +
    `${listed(names, 5)}.`;
}

function describeForm(form, outliers) {
  const {blocks} = form;
  const gated = blocks.filter((block) => block.gated);
  if (gated.length === 0) {
    return 'The feed-forward blocks of this model have no gate, so they are not a quadratic form ' +
      'and the weights predict nothing. The norm shown is that of the output weights of each ' +
      'channel. ' +
      describeOutliers(form, outliers);
  }
  const some = gated.length < blocks.length ?
    ` (${gated.length} of the ${plural(blocks.length, 'block')})` : '';
  return `If the identity replaces the activation, a gated feed-forward block${some} is a ` +
    `quadratic form in each channel. ${describeOutliers(form, outliers)}`;
}

function describeCaveats({blocks}) {
  const gated = blocks.filter((block) => block.gated);
  const after = gated.filter((block) => block.normed_after).length;
  const biased = gated.filter((block) => block.has_biases).length;
  return [
    after > 0 ? `After ${agree(after, 'one block', `${after} blocks`)} a norm rescales the ` +
      'output, which the form ignores.' : '',
    biased > 0 ? `${agree(biased, 'One block has', `${biased} blocks have`)} biases, which the ` +
      'form ignores.' : '',
  ].filter(Boolean).join(' ');
}

function describeSpectra(outliers) {
  const dominance = mean(outliers.map((form) => form.dominance));
  return 'One eigenvalue dominates where a channel responds to a single direction, its trigger: ' +
    `the leading one of these outliers accounts for ${number(dominance, 2)} of the form’s ` +
    'norm on average (1: all of it).';
}

function describeTriggers({places, cosines}) {
  const pairs = cosines.flatMap((row, r) => row.slice(r + 1));
  if (pairs.length === 0) return 'There is one trigger, so there is nothing to compare it with.';
  return `The |cosine| of two triggers is ${number(mean(pairs), 2)} on average over ` +
    `${plural(places.length, 'outlier')}; near 1 the channels respond to the same direction.`;
}

function summariseForm({prediction, comparison, blocks}) {
  if (!blocks.some((block) => block.gated))
    return 'Without gates the weights predict no spikes.';
  const {spike_channels: channels, step_up: up, step_down: down} = prediction;
  if (channels.length === 0) return 'The weights predict no spike.';
  const {both, measured_alone: alone} = comparison?.spike_channels ?? {};
  const more = alone?.length > 0 ? alone.length : 'no';
  const agreed = !comparison ? '' : ` The measurement confirms ${both.length} of ` +
    `${plural(channels.length, 'channel')} and finds ${more} more.`;
  return `The weights alone predict ${rangesOf('channel', channels)}, up in ` +
    `${rangesOf('block', up)}${down.length > 0 ? `, down in ${rangesOf('block', down)}` : ''}.` +
    agreed;
}

// -- nodes

function normNodes(form, outliers, life) {
  const intro = paragraph(`${describeForm(form, outliers)} ${describeCaveats(form)}`);
  const known = ({median_norm: median, norm_band: band}) => median > 0 && band;
  if (!form.blocks.some(known)) return [intro];
  return [
    intro,
    figure('form-norms', 'Norms of all channels over the median of their block',
      (container) => drawNorms(container, form, outliers, life)),
    paragraph('The norm of each channel over the median of its block. Band: the middle 98 % of ' +
      'the channels; dots: the largest, at least ten of a block; outliers are named by channel ' +
      '(figure 3 of arXiv 2603.05498).', 'quiet'),
  ];
}

function spectrumNodes(form) {
  const known = formsOf(form.blocks, 'channels').filter(({spectrum}) => spectrum);
  if (known.length === 0) return [];
  const controls = formsOf(form.blocks, 'controls').filter(({spectrum}) => spectrum);
  const spectra = figure('form-spectra', 'Eigenvalues of outliers and controls',
    (container) => drawSpectra(container, known, controls));
  const triggers = figure('form-triggers', 'Cosines between the trigger directions',
    (container) => drawTriggers(container, form.triggers));
  const several = form.triggers.places.length > 1;
  return [
    paragraph(`${describeSpectra(known)} ${describeTriggers(form.triggers)}`),
    panels(['Spectra', spectra], ...(several ? [['Triggers', triggers]] : [])),
    paragraph('Eigenvalues of the symmetric form by magnitude, of the outliers and of channels ' +
      `at the median (figure 4 of arXiv 2603.05498).${several ? ' Right: |cosine| of each two ' +
      'trigger directions, named by block · channel.' : ''}`, 'quiet'),
  ];
}

function formNodes(form, {life_cycle: life}) {
  // What was added to a report without the forms themselves, such as the fit alone, is not drawn.
  if (!form.blocks?.length)
    return [paragraph('This model has no feed-forward block to analyse.')];
  const outliers = outliersOf(form);
  const gated = form.blocks.some((block) => block.gated);
  return [
    ...normNodes(form, outliers, life),
    ...spectrumNodes(form),
    ...(gated ? [
      ...predictionNodes(form), ...fitNodes(form), ...collinearRowNodes(form),
      ...superWeightNodes(form),
    ] : []),
  ];
}

// -- header and definitions

function formKeyFigures({prediction, blocks = []}) {
  if (!prediction || !blocks.some((block) => block.gated)) return [];
  const channels = listed(prediction.spike_channels, 4) || 'none';
  return [keyFigure('Predicted spike channels', channels, 'from the weights alone')];
}

function formDefinitions({prediction, comparison, fit}) {
  return [
    ['Prediction from the weights', prediction?.rule],
    ['Prediction and measurement', comparison?.definition],
    ['Fit of the forms', fit?.definition],
  ].filter(([, text]) => text);
}

registerSection({
  key: 'quadratic_form',
  order: 40,
  chapter: 'Quadratic forms of the weights',
  nodes: formNodes,
  summary: summariseForm,
  keyFigures: formKeyFigures,
  definitionName: 'Quadratic forms',
  definitions: formDefinitions,
});
