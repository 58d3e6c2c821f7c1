// The rows of a training, and what the paper reports of them.

import {table} from '../elements.js';
import {lossText, number, percentage} from '../format.js';

const kPaperGroup = 'Paper, 7B';
const kTrainedGroup = 'Trained here, validation';

function trainedColumn(title, field, text) {
  const range = ({runs, [field]: end}) =>
    (runs > 1 && end ? `${text(end.low)} – ${text(end.high)}` : '');
  const value = (row) => row[field]?.mean;
  return {title, group: kTrainedGroup, value, text: (row) => text(value(row)), note: range};
}

function paperColumn(title, field, text) {
  const value = (row) => row.paper?.[field];
  return {title, group: kPaperGroup, value, text: (row) => text(value(row))};
}

export function trainingTable(rows) {
  const plainNumber = (value) => number(value);
  const name = ({row}) => row;
  const ends = [
    ['Perplexity', 'perplexity', plainNumber],
    ['Sink ratio', 'sink_ratio_percent', percentage],
    ['Spike', 'spike', plainNumber],
  ];
  return table([
    {title: 'Row', left: true, value: name, text: name},
    ...(rows.some(({runs}) => runs > 1) ? [{title: 'Seeds', value: ({runs}) => runs}] : []),
    trainedColumn('Loss', 'loss', lossText),
    ...ends.map((end) => trainedColumn(...end)),
    trainedColumn('Massive channels', 'massive_channels', plainNumber),
    ...(rows.some(({paper}) => paper) ? ends.map((end) => paperColumn(...end)) : []),
  ], rows);
}
