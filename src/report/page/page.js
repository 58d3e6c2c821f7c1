// The page of a spikesink report: reads the JSON of #report and builds one section for each part
// that it has.
'use strict';

/* global drawLifeCycle, drawSinkMap, drawLearnedMap, drawStatePicture, kCoursesDrawn */
/* global element, section, paragraph, alarm, figure, table, fold, keyFigure */
/* global number, percentage, visible, ranges, plural, blockName, largestPeak */
/* global warnings, tellLifeCycle, tellSteps, tellSinks, tellLearned, tellPicture, tellMassive */
/* global tellPositions, definitions */

// -- header

function keyFigures(report) {
  const {perplexity, attention_sinks: sinks, life_cycle: life} = report;
  const keys = [];
  const peak = life && largestPeak(life);
  if (peak) {
    const note = `channel ${peak.channel}, after ${blockName(peak.place)}`;
    keys.push(keyFigure('Largest magnitude', number(peak.magnitude), note));
  }
  if (life) {
    const note = `of ${plural(life.blocks.length, 'block')}`;
    keys.push(keyFigure('Step-up blocks', ranges(life.step_up) || 'none', note));
    keys.push(keyFigure('Step-down blocks', ranges(life.step_down) || 'none', note));
  }
  if (sinks) {
    const note = `definition “${sinks.definition}”, key ${sinks.key}, ε = ${sinks.epsilon}`;
    keys.push(keyFigure('Sink ratio', percentage(sinks.sink_ratio_percent), note));
  }
  if (perplexity) {
    const loss = `mean loss ${number(perplexity.mean_loss)}`;
    const note = `over ${plural(perplexity.tokens, 'token')}; ${loss}`;
    keys.push(keyFigure('Perplexity', number(perplexity.perplexity), note));
  }
  return keys;
}

function drawHeader(report) {
  const {program, configuration = {}, model} = report;
  const {model: path, dtype, sequences, length} = configuration;
  const name = path?.split('/').filter(Boolean).pop() ?? program;
  const facts = [
    model?.model_type,
    model && plural(model.n_layers, 'layer'),
    model && plural(model.n_heads, 'head'),
    model && plural(model.d_model, 'channel'),
    dtype,
    sequences && `${plural(sequences, 'sequence')} of up to ${plural(length, 'token')}`,
  ];
  const warned = warnings(report);
  document.title = `${name} – spikesink ${program}`;
  document.getElementById('page').append(element('header', {},
    element('div', {className: 'program', textContent: `spikesink ${program}`}),
    element('h1', {textContent: name}),
    paragraph(facts.filter(Boolean).join(' · '), 'quiet'),
    ...(warned ? [alarm(warned)] : []),
    element('div', {className: 'keys'}, ...keyFigures(report))));
  return [];
}

// -- life cycle

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

function drawLifeCycleSection(report) {
  const life = report.life_cycle;
  if (!life) return [];
  const hidden = figure('life-hidden-state', 'Largest magnitudes after each block');
  const output = figure('life-output', 'Largest magnitudes of the output of each block');
  const panel = (textContent, node) => element('div', {}, element('h3', {textContent}), node);
  section('Life cycle of the spikes',
    paragraph(tellLifeCycle(life)),
    paragraph(tellSteps(life)),
    element('div', {className: 'panels'},
      panel('Hidden state', hidden),
      panel('Block output', output)),
    paragraph(lifeCycleCaption(life), 'quiet'));
  return [
    () => drawLifeCycle(hidden, life, 'hidden_state'),
    () => drawLifeCycle(output, life, 'output'),
  ];
}

// -- attention sinks

function drawSinkSection(report) {
  const sinks = report.attention_sinks;
  if (!sinks) return [];
  if (sinks.heads.length === 0) {
    section('Attention sinks', paragraph(`No sequence is long enough to hold key ${sinks.key}.`));
    return [];
  }
  const map = figure('sink-map', 'Importance of the key in every layer and head');
  section('Attention sinks', paragraph(tellSinks(sinks)), map,
    paragraph(`Colour: the attention that key ${sinks.key} receives, averaged over the queries ` +
      `that may see it and over ${plural(sinks.sequences, 'sequence')}. Bars: the share of each ` +
      'layer’s heads that are sink heads.', 'quiet'));
  return [() => drawSinkMap(map, sinks)];
}

function drawLearnedSection(report) {
  const learned = report.attention_sinks?.learned;
  if (!learned) return [];
  const map = figure('learned-map', 'What each head gives its learned sink');
  section('Learned sinks', paragraph(tellLearned(learned)), map);
  return [() => drawLearnedMap(map, learned)];
}

// -- three-dimensional picture

function scaleButtons(redraw) {
  const group = element('div', {className: 'choice'});
  group.setAttribute('role', 'group');
  group.setAttribute('aria-label', 'Scale of the magnitude');
  const buttons = ['linear', 'log'].map((textContent) =>
    element('button', {type: 'button', textContent}));
  const choose = (chosen) => {
    for (const button of buttons) button.ariaPressed = String(button === chosen);
  };
  for (const button of buttons) {
    button.addEventListener('click', () => {
      choose(button);
      redraw(button.textContent);
    });
  }
  choose(buttons[0]);
  group.append('Magnitude: ', ...buttons);
  return group;
}

function drawPictureSection(report) {
  const picture = report.state_picture;
  if (!picture) return [];
  const spikes = report.life_cycle?.spike_channels ?? [];
  const container = figure('state-picture', 'Magnitude of every token and channel of one state');
  let scale = 'linear';
  const redraw = () => drawStatePicture(container, picture, spikes, scale);
  const buttons = scaleButtons((chosen) => {
    scale = chosen;
    redraw();
  });
  const merged = picture.channels.some(([first, last]) => last > first);
  const bars = 'A bar stands for neighbouring channels and shows the largest of them.';
  section('Tokens × channels', paragraph(tellPicture(picture)), buttons, container,
    paragraph(`Drag to turn. ${merged ? bars : ''}`, 'quiet'));
  return [redraw];
}

// -- tables

// A column of the blocks after which something is massive.
const kBlocksColumn = {
  title: 'Massive after blocks',
  left: true,
  value: (row) => row.blocks.length,
  text: (row) => ranges(row.blocks),
};

// One row a massive channel: what its block of largest magnitude says, and every block where it is
// massive.
function channelRows(massive) {
  return massive.channels.map((channel) => {
    const places = massive.blocks
      .map((block) => ({block, entry: block.channels.find((entry) => entry.channel === channel)}))
      .filter((place) => place.entry);
    const {block, entry} = places.reduce((a, b) => (b.entry.largest > a.entry.largest ? b : a));
    const ratio = block.ratios.find((candidate) => candidate.channel === channel);
    return {...entry, ratio, block: block.block, blocks: places.map((place) => place.block.block)};
  });
}

function ratioText({ratio}) {
  if (!ratio) return '–';
  const {mean, standard_deviation: spread, reference} = ratio;
  return `${number(mean, 3)} ± ${number(spread, 2)} of channel ${reference}`;
}

function channelTable(massive) {
  return table([
    {title: 'Channel', value: (row) => row.channel, text: (row) => String(row.channel)},
    {title: 'Largest |x|', value: (row) => row.largest},
    {title: 'After block', value: (row) => row.block},
    kBlocksColumn,
    {title: 'Mean at position 0', value: (row) => row.mean_at_start},
    {title: 'Mean elsewhere', value: (row) => row.mean_elsewhere},
    {title: 'Count', value: (row) => row.count},
    {title: 'Ratio to the largest', left: true, value: (row) => row.ratio?.mean, text: ratioText},
  ], channelRows(massive));
}

// One row a token: its largest count in one block, and the blocks where it is massive.
function tokenRows(massive) {
  const rows = new Map();
  for (const block of massive.blocks) {
    for (const token of block.tokens) {
      const key = `${token.id}:${token.at_start}`;
      const row = rows.get(key) ?? {...token, count: 0, blocks: []};
      row.count = Math.max(row.count, token.count);
      row.blocks.push(block.block);
      rows.set(key, row);
    }
  }
  return [...rows.values()].sort((a, b) => b.count - a.count);
}

function tokenTable(massive) {
  const text = (row) => (row.text === undefined ? '–' : visible(row.text));
  const start = (row) => (row.at_start ? 'yes' : 'no');
  return table([
    {title: 'Id', value: (row) => row.id, text: (row) => String(row.id)},
    {title: 'Text', left: true, code: true, value: (row) => row.text, text},
    {title: 'At position 0', left: true, value: start, text: start},
    {title: 'Count', value: (row) => row.count},
    kBlocksColumn,
  ], tokenRows(massive));
}

function drawMassiveSection(report) {
  const massive = report.massive_activations;
  if (!massive) return [];
  if (massive.blocks.length === 0) {
    section('Massive activations',
      paragraph('No activation of this run is massive by the definition below.'));
    return [];
  }
  const told = (block) => block.tokens.reduce((sum, token) => sum + token.count, 0);
  const rare = massive.blocks.some((block) => told(block) < block.token_count);
  section('Massive activations',
    paragraph(`${tellMassive(massive)} ${tellPositions(massive)}`),
    element('h3', {textContent: 'Channels'}),
    paragraph('Means are signed and run over the massive values alone; they, the count and the ' +
      'ratio are those of the block where the channel is largest.', 'quiet'),
    channelTable(massive),
    element('h3', {textContent: 'Tokens'}),
    paragraph('The tokens that carry them. The count is the largest of any one block. ␣ is a ' +
      `space, ⏎ a line break, ∅ no text. ${rare ? 'The rarest are left out.' : ''}`, 'quiet'),
    tokenTable(massive));
  return [];
}

function drawSinkHeadSection(report) {
  const {sink_heads: heads = [], epsilon} = report.attention_sinks ?? {};
  if (heads.length === 0) return [];
  const percent = (row) => 100 * row.share_of_sequences;
  section('Sink heads',
    paragraph(`${plural(heads.length, 'head')} whose mean importance exceeds ε = ${epsilon}. ` +
      'Share: how many of the sequences exceed ε on their own.'),
    table([
      {title: 'Layer', value: (row) => row.layer},
      {title: 'Head', value: (row) => row.head},
      {title: 'Key', value: (row) => row.key},
      {title: 'Importance', value: (row) => row.importance},
      {title: 'Share of sequences, %', value: percent},
    ], [...heads].sort((a, b) => b.importance - a.importance)));
  return [];
}

function drawActivationSection(report) {
  const activations = report.activations;
  if (!activations) return [];
  const ids = activations.some((tensor) => tensor.name === 'tokens');
  const size = (row) => row.shape.reduce((a, b) => a * b, 1);
  section('Exported activations',
    paragraph(`${plural(activations.length, 'tensor')}, named after the hook points they were ` +
      `taken from${ids ? '; “tokens” holds the token ids' : ''}.`),
    table([
      {title: 'Name', left: true, code: true, value: (row) => row.name, text: (row) => row.name},
      {title: 'Shape', left: true, value: size, text: (row) => row.shape.join(' × ')},
      {title: 'Type', left: true, value: (row) => row.dtype, text: (row) => row.dtype},
    ], activations));
  return [];
}

function drawParitySection(report) {
  const parity = report.parity;
  if (!parity) return [];
  const bad = parity.points.filter((point) => point.outside > 0);
  const {absolute, relative} = parity.options;
  const verdict = bad.length === 0 ? 'none differs' :
    `${bad.length} outside the limits, the first of them ${bad[0].point}`;
  section('Parity with the reference',
    paragraph(`${plural(parity.points.length, 'hook point')} compared, within ${absolute} + ` +
      `${relative} × |reference|: ${verdict}. Error: the largest difference over what is allowed. ` +
      'In the order of the forward pass.'),
    table([
      {title: 'Hook point', left: true, code: true, value: (row) => row.point, text: (row) => row.point},
      {title: 'Shape', left: true, value: (row) => row.shape[0], text: (row) => row.shape.join(' × ')},
      {title: 'Error', value: (row) => row.error ?? Infinity},
      {title: 'Largest difference', value: (row) => row.largest_difference ?? Infinity},
      {title: 'Scale', value: (row) => row.scale},
      {title: 'Values outside', value: (row) => row.outside},
    ], parity.points));
  return [];
}

// -- definitions and configuration

function drawDefinitionSection({program, configuration, model, versions, schema, ...report}) {
  const entries = (values) => Object.entries(values ?? {});
  section('Definitions and configuration',
    fold('Definitions', true, definitions(report)),
    fold('Configuration of this run', false, [['program', program], ...entries(configuration)]),
    fold('Model', false, entries(model)),
    fold('Versions', false, [...entries(versions), ['report format', schema.version]]));
  return [];
}

// -- start

function showError(error) {
  document.documentElement.dataset.error = String(error);
  const text = `A part of this report could not be drawn: ${error}`;
  document.getElementById('page').prepend(alarm(text));
}

// Says in data-drawn, on the root element, how many figures there are now.
async function drawAll(figures) {
  const outcomes = await Promise.allSettled(figures.map(async (drawFigure) => drawFigure()));
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  failed.forEach((outcome) => showError(outcome.reason));
  document.documentElement.dataset.drawn = outcomes.length - failed.length;
}

async function start() {
  const report = JSON.parse(document.getElementById('report').textContent);
  const sections = [
    drawHeader, drawLifeCycleSection, drawSinkSection, drawLearnedSection, drawPictureSection,
    drawMassiveSection, drawSinkHeadSection, drawParitySection, drawActivationSection,
    drawDefinitionSection,
  ];
  // A section gives the functions that draw its figures; a change of colours runs them again.
  const figures = [];
  for (const build of sections) {
    try {
      figures.push(...build(report));
    } catch (error) {
      showError(error);
    }
  }
  await drawAll(figures);
  const colours = matchMedia('(prefers-color-scheme: dark)');
  colours.addEventListener('change', () => drawAll(figures));
}

start().catch(showError);
