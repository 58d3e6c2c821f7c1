// Tokens × channels: one state, seen as a landscape.
'use strict';

/* global element, paragraph, figure, choice, number, plural, agree, rangesOf, blockName */
/* global drawStatePicture */
/* exported kStatePicture */

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
  const bars = 'A bar stands for neighbouring channels and shows the largest of them.';
  return [
    element('h3', {textContent: 'Tokens × channels'}),
    paragraph(tellPicture(picture)),
    buttons,
    container,
    paragraph(`Drag to turn. ${merged ? bars : ''}`, 'quiet'),
  ];
}

const kStatePicture = {key: 'state_picture', build: statePictureNodes};
