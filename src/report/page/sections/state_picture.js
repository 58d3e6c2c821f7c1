// One state as a surface over tokens and channels.

import {choice, element, figure, paragraph} from '../elements.js';
import {agree, blockName, number, plural, rangesOf} from '../format.js';
import {registerSection} from '../registry.js';
import {drawStatePicture} from '../figures/state_picture.js';

function describePicture(picture) {
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

function statePictureNodes(picture, report) {
  const spikes = report.life_cycle?.spike_channels ?? [];
  let scale = 'linear';
  const redraw = (container) => drawStatePicture(container, picture, spikes, scale);
  const container = figure('state-picture', 'Magnitude of every token and channel of one state',
    redraw);
  const buttons = choice('Magnitude', ['linear', 'log'], (chosen) => {
    scale = chosen;
    redraw(container);
  });
  const merged = picture.channels.some(([first, last]) => last > first);
  const bars = 'A bar shows the largest of several neighbouring channels.';
  return [
    element('h3', {textContent: 'Tokens × channels'}),
    paragraph(describePicture(picture)),
    buttons,
    container,
    paragraph(`Drag to turn. ${merged ? bars : ''}`, 'quiet'),
  ];
}

registerSection({
  key: 'state_picture',
  order: 12,
  chapterOf: 'life_cycle',
  nodes: statePictureNodes,
});
