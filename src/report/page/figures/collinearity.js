// How near the embeddings of spike tokens lie to the learned scale of the first norm.

import {element, figure, paragraph} from '../elements.js';
import {number, ofAll, plural, tokenName} from '../format.js';
import {axis, curve, dots, drawPlane, plain} from '../plot.js';
import {finite} from '../statistics.js';
import {elsewhere} from './spike_tokens.js';

const kNamed = 6;

// The share of the vocabulary below a value, between the deciles.
function rankOf(deciles, value) {
  const next = deciles.findIndex((decile) => decile >= value);
  if (next <= 0) return next === 0 ? 0 : 100;
  const [below, above] = [deciles[next - 1], deciles[next]];
  return (10 * (next - 1 + (value - below) / (above - below || 1)));
}

function collinearTokens(tokens) {
  return tokens.filter((token) => Number.isFinite(token.collinearity));
}

function describeCollinearity(deciles, tokens) {
  const range = 'For the middle 80 % of the vocabulary, the cosine between the embedding and ' +
    `the learned scale of the first norm is ${number(deciles[1], 2)} to ` +
    `${number(deciles[9], 2)}.`;
  if (tokens.length === 0) return `${range} There is no spike token to compare with them.`;
  const away = tokens.filter((token) => elsewhere(token).spiking > 0);
  if (away.length === 0)
    return `${range} Every spike token is the first of its sequence, which needs no such ` +
      'embedding.';
  const top = away.filter(({collinearity}) => collinearity >= deciles[9]).length;
  return `${range} Of the tokens that spike beyond position 0, ${ofAll(top, away.length)} lie ` +
    'in the top tenth.';
}

function tokenDots(name, deciles, tokens, look) {
  const points = tokens.map((token) => ({
    x: token.collinearity,
    y: rankOf(deciles, token.collinearity),
    text: `${plain(tokenName(token))}: cosine ${number(token.collinearity)}<br>` +
      `spikes ${plural(token.spiking, 'time')} of ${number(token.seen)}`,
  }));
  return dots(name, points, look);
}

// Labels of the most frequent tokens; the others have hover texts.
function tokenLabels(deciles, tokens) {
  return [...tokens].sort((a, b) => elsewhere(b).spiking - elsewhere(a).spiking).slice(0, kNamed)
    .map((token, i) => ({
      x: token.collinearity,
      y: rankOf(deciles, token.collinearity),
      text: plain(tokenName(token)),
      ax: rankOf(deciles, token.collinearity) > 50 ? 34 : -34,
      ay: (rankOf(deciles, token.collinearity) > 50 ? 1 : -1) * (16 + 18 * i),
      arrowwidth: 1,
      arrowhead: 0,
      font: {size: 12},
    }));
}

function drawCollinearity(container, deciles, tokens) {
  const line = deciles.map((x, i) => ({x, y: 10 * i, text: `${10 * i} % lie below ${number(x)}`}));
  const away = tokens.filter((token) => elsewhere(token).spiking > 0);
  const firstAlone = tokens.filter((token) => elsewhere(token).spiking === 0);
  const traces = [
    curve('vocabulary, by tenths', line, {hue: 'ordinary', size: 4}),
    tokenDots('spike at position 0 alone', deciles, firstAlone,
      {hue: 'spike', symbol: 'circle-open', size: 8}),
    tokenDots('spike elsewhere', deciles, away, {hue: 'spike', size: 9, opacity: 1}),
  ];
  return drawPlane(container, 380, traces.filter((trace) => trace.x.length > 0), {
    showlegend: true,
    annotations: tokenLabels(deciles, away),
    xaxis: axis('cosine with the first norm'),
    yaxis: axis('vocabulary below, %', {range: [-4, 104]}),
  });
}

export function collinearityNodes({collinearity_deciles: deciles, by_token: all}) {
  if (finite(deciles ?? []).length !== 11) return [];
  const tokens = collinearTokens(all);
  return [
    element('h3', {textContent: 'Embeddings and the first norm'}),
    paragraph(describeCollinearity(deciles, tokens)),
    ...(tokens.length === 0 ? [] : [
      figure('collinearity', 'Spike tokens compared with the vocabulary',
        (container) => drawCollinearity(container, deciles, tokens)),
      paragraph('Line: the vocabulary; dots: its spike tokens. According to the paper, a ' +
        'delimiter attends to itself because its embedding is nearly collinear with that scale.',
      'quiet'),
    ]),
  ];
}
