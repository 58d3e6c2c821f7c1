// Exported activations: which tensors were written.

import {paragraph, table} from '../elements.js';
import {plural} from '../format.js';
import {registerSection} from '../registry.js';

function activationNodes(activations) {
  const ids = activations.some((tensor) => tensor.name === 'tokens');
  const size = (row) => row.shape.reduce((a, b) => a * b, 1);
  return [
    paragraph(`${plural(activations.length, 'tensor')}, named after the hook points that ` +
      `they were read at${ids ? '; “tokens” contains the token ids' : ''}.`),
    table([
      {title: 'Name', left: true, code: true, value: (row) => row.name, text: (row) => row.name},
      {title: 'Shape', left: true, value: size, text: (row) => row.shape.join(' × ')},
      {title: 'Type', left: true, value: (row) => row.dtype, text: (row) => row.dtype},
    ], activations),
  ];
}

registerSection({
  key: 'activations',
  order: 150,
  chapter: 'Exported activations',
  nodes: activationNodes,
});
