// What a spikesink report says in words: how numbers, blocks and tokens are written, and the sentences made from the data.
'use strict';

/* exported headKey, kindName, visible, ranges */

const kSinkDefinitions = {
  gu: 'Importance of a key in one head and one sequence: the mean over the queries at or after it of the attention it ' +
    'receives. The ratio is the share of all (sequence, layer, head) whose importance exceeds ε (Gu et al., arXiv 2410.10781).',
  'mean-first': 'As gu, but the importance is averaged over sequences first: the share of all (layer, head) whose mean ' +
    'importance exceeds ε. The sink heads listed on this page are these.',
};

// -- how things are written

function number(value, digits = 4) {
  if (value === null || value === undefined) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-3) return value.toExponential(2);
  if (size >= 10 ** (digits - 1)) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(digits)));
}

function kindName(kind) {
  return kind === 'feed_forward' ? 'feed-forward' : kind;
}

function blockName(place) {
  if (place.block === 0) return 'embedding';
  return `block ${place.block} (layer ${place.layer}, ${kindName(place.kind)})`;
}

function spanName([first, last], spikes) {
  const spike = spikes.find((channel) => channel >= first && channel <= last);
  if (spike !== undefined) return `channel ${spike}`;
  return first === last ? `channel ${first}` : `channels ${first}–${last}`;
}

// White space, controls and invisible marks of a token, made visible.
function visible(text) {
  const signs = {' ': '␣', '\n': '⏎', '\t': '⇥', '\r': '↵'};
  return text.replace(/[\s\p{Cc}\p{Cf}]/gu, (character) =>
    signs[character] ?? `\\u{${character.codePointAt(0).toString(16)}}`);
}

function tokenName(token) {
  return token.text === undefined ? `id ${token.id}` : visible(token.text);
}

function headKey(head) {
  return `${head.layer}:${head.head}`;
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

function listed(items, most = 6) {
  const shown = items.slice(0, most).map(String);
  if (items.length > most) shown.push(`${items.length - most} more`);
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown[shown.length - 1]}`;
}

function plural(count, word) {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}

// -- sentences

function largestPeak(life) {
  const peaks = life.blocks
    .filter((block) => block.hidden_state.top.length > 0)
    .map((block) => ({...block.hidden_state.top[0], place: block, median: block.hidden_state.median}));
  return peaks.reduce((best, peak) => (best && best.magnitude >= peak.magnitude ? best : peak), null);
}

// [{first, last}] of the blocks after which the course exceeds `least`.
function stays(course, least) {
  const found = [];
  course.hidden_state.forEach((value, block) => {
    if (!(value > least)) return;
    const run = found[found.length - 1];
    if (run && run.last === block - 1) run.last = block;
    else found.push({first: block, last: block});
  });
  return found;
}

function tellCourse(course, least, blocks) {
  const parts = stays(course, least).map(({first, last}, i) => {
    const rise = first === 0 ? `is above ${least} from the embedding` : `rises ${i ? 'again' : `above ${least}`} at block ${first}`;
    const fall = last === blocks ? 'stays there to the end' : `is back below ${least} after block ${last + 1}`;
    return `${rise} and ${fall}`;
  });
  return parts.length ? `Channel ${course.channel} ${parts.join('; ')}.` : '';
}

function tellLifeCycle(life) {
  const peak = largestPeak(life);
  if (!peak) return 'No state was measured.';
  const largest = `The largest magnitude is ${number(peak.magnitude)}, in channel ${peak.channel} after ${blockName(peak.place)}, ` +
    `${number(peak.magnitude / peak.median, 3)} times the median of that state.`;
  const spikes = life.spike_channels;
  if (spikes.length === 0) return `${largest} By the definition below, no channel is a spike.`;
  const leading = (life.courses ?? []).find((course) => course.channel === spikes[0]);
  return [
    largest,
    `${spikes.length === 1 ? 'One channel spikes' : `${spikes.length} channels spike`}: ${listed(spikes)}.`,
    leading ? tellCourse(leading, life.options?.least_magnitude ?? 100, life.blocks.length) : '',
  ].join(' ');
}

function tellSteps(life) {
  const name = (block) => blockName(life.blocks[block - 1]);
  const side = (blocks, what) => (blocks.length ? `${what} ${listed(blocks.map(name), 8)}` : '');
  const told = [side(life.step_up, 'Raised by'), side(life.step_down, 'lowered by')].filter(Boolean).join('; ');
  return told && `${told[0].toUpperCase()}${told.slice(1)}. These are the vertical lines; between them the blocks add little.`;
}

function tellSinks(report) {
  const heads = report.heads.filter((head) => head.key === report.key);
  const layers = [...new Set(heads.map((head) => head.layer))];
  const sinks = report.sink_heads.filter((head) => head.key === report.key);
  const bare = layers.filter((layer) => sinks.every((head) => head.layer !== layer));
  const full = layers.filter((layer) => heads.every((head) => head.layer !== layer || head.importance > report.epsilon));
  if (sinks.length === 0) return `No head gives key ${report.key} a mean importance above ε = ${report.epsilon}.`;
  const where = [
    full.length ? `In layers ${ranges(full)} every head is a sink head.` : '',
    bare.length ? `Layers ${ranges(bare)} have none.` : '',
  ].filter(Boolean).join(' ');
  return `${sinks.length} of ${heads.length} heads give key ${report.key} a mean importance above ε = ${report.epsilon}; ` +
    `they are outlined. ${where}`;
}

function tellPicture(picture) {
  const values = picture.magnitudes.flat().filter((value) => value !== null);
  const largest = Math.max(0, ...picture.magnitudes.map((row) => Math.max(0, ...row)));
  const above = values.filter((value) => value > largest / 10).length;
  return `Every token and channel of one sequence (number ${picture.sequence}) after ${blockName(picture)}, the most extreme ` +
    `state of the run. ${above === 1 ? 'One cell' : `${above} of ${values.length.toLocaleString('en')} cells`} ` +
    `${above === 1 ? 'exceeds' : 'exceed'} a tenth of the largest, ${number(largest)}.`;
}

function definitions(report) {
  const {life_cycle: life, massive_activations: massive, attention_sinks: sinks, perplexity} = report;
  const found = {};
  if (life) found['Spike channels, step-up and step-down blocks'] = life.definition;
  if (life?.options) found['… with'] = Object.entries(life.options).map(([name, value]) => `${name} = ${value}`).join(', ');
  if (massive) found['Massive activations'] = massive.definition;
  for (const [name, percent] of Object.entries(sinks?.ratios ?? {})) {
    found[`Sink ratio “${name}” = ${number(percent, 3)} %`] = kSinkDefinitions[name] ?? 'see docs/report.md';
  }
  if (perplexity) found['Perplexity'] = perplexity.definition;
  found['Counting'] = 'Blocks count from 1, two a layer: attention, then feed-forward. Layers, heads, channels, positions and ' +
    'sequences count from 0. Magnitudes are absolute values.';
  return found;
}
