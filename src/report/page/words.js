// What a spikesink report says in words: how numbers, blocks and tokens are written, and the
// sentences made from the data.
'use strict';

/* exported number, percentage, visible, tokenName, spanName, headKey, ranges, plural */
/* exported blockName, largestPeak */
/* exported warnings, tellLifeCycle, tellSteps, tellSinks, tellLearned, tellPicture, tellMassive */
/* exported tellPositions, definitions */

const kLongestLabel = 24;  // characters of a token in a figure
const kLargestFloat16 = 65504;

// -- how things are written

function number(value, digits = 4) {
  if (value === null || value === undefined) return '–';
  if (value === 0) return '0';
  if (value === Infinity) return '∞';
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-3) return signed(value.toExponential(2));
  if (size >= 10 ** (digits - 1)) return signed(Math.round(value).toLocaleString('en'));
  return signed(Number(value.toPrecision(digits)));
}

function signed(text) {
  return String(text).replace('-', '−');
}

function percentage(value) {
  return value === null ? '–' : `${number(value, 3)} %`;
}

function plural(count, word) {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}

function agree(count, one, many) {
  return count === 1 ? one : many;
}

// [3, 4, 5, 9] -> "3–5, 9"
function ranges(numbers) {
  const runs = [];
  for (const value of [...numbers].sort((a, b) => a - b)) {
    const run = runs[runs.length - 1];
    if (run && value === run[1] + 1) run[1] = value;
    else runs.push([value, value]);
  }
  return runs.map(([a, b]) => (a === b ? `${a}` : `${a}–${b}`)).join(', ');
}

// "layer 3", "blocks 4–9, 12"
function rangesOf(word, numbers) {
  return `${word}${agree(numbers.length, '', 's')} ${ranges(numbers)}`;
}

function listed(items, most = 6) {
  const shown = items.slice(0, most).map(String);
  if (items.length > most) shown.push(`${items.length - most} more`);
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown[shown.length - 1]}`;
}

function blockName(place) {
  if (place.block === 0) return 'embedding';
  const kind = place.kind === 'feed_forward' ? 'feed-forward' : place.kind;
  return `block ${place.block} (layer ${place.layer}, ${kind})`;
}

function headKey(head) {
  return `${head.layer}:${head.head}`;
}

function spanName([first, last], spikes = []) {
  if (first === last) return `channel ${first}`;
  const inside = spikes.filter((channel) => channel >= first && channel <= last);
  return `channels ${first}–${last}${inside.length > 0 ? ` (spike: ${listed(inside)})` : ''}`;
}

// White space, controls and invisible marks of a token, made visible.
function visible(text) {
  if (text === '') return '∅';
  const signs = {' ': '␣', '\n': '⏎', '\t': '⇥', '\r': '↵'};
  const code = (character) => `\\u{${character.codePointAt(0).toString(16)}}`;
  return text.replace(/[\s\p{Cc}\p{Cf}]/gu, (character) => signs[character] ?? code(character));
}

function tokenName(token) {
  if (token.text === undefined) return `id ${token.id}`;
  const characters = [...visible(token.text)];
  if (characters.length <= kLongestLabel) return characters.join('');
  return `${characters.slice(0, kLongestLabel).join('')}…`;
}

// -- warnings

function tellNotFinite(life, points) {
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
    `Maxima and medians leave ${agree(count, 'it', 'them')} out.${tellPoint(points?.[0])}`;
}

function tellPoint(first) {
  if (!first) return '';
  const place = first.sequence === null ? '' :
    `, [${first.index.join(', ')}] of sequence ${first.sequence}`;
  return ` It begins at ${first.point}${place}: ${number(first.infinite)} infinite, ` +
    `${number(first.nan)} NaN there.`;
}

// What the reader must know before trusting any number of the page.
function warnings({life_cycle: life, not_finite: ill, attention_sinks: sinks, perplexity}) {
  const lost = (sinks?.heads ?? []).filter((head) => head.importance === null).length;
  const heads = `The importance of ${plural(lost, 'head')} is not finite and counts as no sink.`;
  return [
    life ? tellNotFinite(life, ill?.points) : '',
    lost > 0 ? heads : '',
    perplexity?.tokens > 0 && perplexity.perplexity === null ? 'The perplexity is not finite.' : '',
  ].filter(Boolean).join(' ');
}

// -- sentences

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

function tellSinks({heads, sink_heads: sinks, key, epsilon}) {
  const limit = `key ${key} a mean importance above ε = ${epsilon}`;
  if (sinks.length === 0) return `No head gives ${limit}.`;
  const layers = [...new Set(heads.map((head) => head.layer))];
  const sinksOf = (layer) => sinks.filter((head) => head.layer === layer).length;
  const headsOf = (layer) => heads.filter((head) => head.layer === layer).length;
  const full = layers.filter((layer) => sinksOf(layer) === headsOf(layer));
  const bare = layers.filter((layer) => sinksOf(layer) === 0);
  const where = [
    full.length > 0 ? `every head of ${rangesOf('layer', full)}` : '',
    bare.length > 0 ? `none of ${rangesOf('layer', bare)}` : '',
  ].filter(Boolean).join('; ');
  return `${number(sinks.length)} of ${plural(heads.length, 'head')} ` +
    `${agree(sinks.length, 'gives', 'give')} ${limit} (outlined)${where && `: ${where}`}.`;
}

function tellLearned(learned) {
  const mean = learned.reduce((sum, {mass}) => sum + mass, 0) / learned.length;
  const most = learned.reduce((a, b) => (b.mass > a.mass ? b : a));
  return 'Each head of this model has a learned sink logit, which takes attention and gives ' +
    `nothing for it: ${percentage(100 * mean)} on average, ${percentage(100 * most.mass)} in ` +
    `head ${most.head} of layer ${most.layer}.`;
}

function tellPicture(picture) {
  const values = picture.magnitudes.flat().filter((value) => value !== null);
  const largest = values.reduce((a, b) => Math.max(a, b), 0);
  const above = values.filter((value) => value > largest / 10).length;
  const positions = picture.tokens.map((token) => token.position);
  const channels = picture.channels[picture.channels.length - 1][1] + 1;
  return `Sequence ${picture.sequence} after ${blockName(picture)}, the hidden state with the ` +
    `largest magnitude of the run: ${rangesOf('position', positions)} × ` +
    `${plural(channels, 'channel')}. ${number(above)} of ${plural(values.length, 'cell')} ` +
    `${agree(above, 'exceeds', 'exceed')} a tenth of the largest.`;
}

function tellMassive(massive) {
  const channels = massive.channels.length;
  const blocks = massive.blocks.map((block) => block.block);
  const tokens = Math.max(...massive.blocks.map((block) => block.token_count));
  return `${plural(channels, 'channel')} ${agree(channels, 'holds', 'hold')} massive values, ` +
    `after ${rangesOf('block', blocks)}. At most ${plural(tokens, 'token')} of the run ` +
    `${agree(tokens, 'carries', 'carry')} them after any one block.`;
}

// Of the block with the most massive tokens.
function tellPositions(massive) {
  const block = massive.blocks.reduce((a, b) => (b.token_count > a.token_count ? b : a));
  const positions = [...block.positions].sort((a, b) => b.count - a.count);
  const places = positions.map(({position, count}) =>
    `position ${position} (${plural(count, 'sequence')})`);
  return `After ${blockName(block)} they sit at ${listed(places)}.`;
}

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
