// Gate linearity: how near the activation is to the identity.

import {element, figure, panels, paragraph} from '../elements.js';
import {blockName, number, rangesOf} from '../format.js';
import {axis, blockAxis, curve, drawPlane, kKinds, levelShape, stepShapes} from '../plot.js';
import {registerSection} from '../registry.js';
import {greatest, quantile} from '../statistics.js';
import {drawGate, gateFrame} from '../figures/gate_linearity.js';

const kPanelsDrawn = 5;  // of blocks that step, the control apart
const kNearIdentity = {cosine: 0.95, ratio: 0.1};

// -- which blocks

// The blocks with the largest steps, and as control the one that is farthest from all of them.
function chosenBlocks(blocks, life) {
  const steps = life?.steps ?? [];
  const share = ({block}) => steps.find((step) => step.block === block)?.share ?? 0;
  const numbers = [...(life?.step_up ?? []), ...(life?.step_down ?? [])];
  const stepping = blocks.filter(({block}) => numbers.includes(block));
  const others = blocks.filter(({block}) => !numbers.includes(block));
  const distance = ({block}) => Math.min(...numbers.map((step) => Math.abs(step - block)), block);
  const known = stepping.filter(({spike}) => spike.tokens > 0);
  const leading = greatest(known.filter(({block}) => life.step_up.includes(block)), share) ??
    greatest(known, share);
  const shown = [...stepping].sort((a, b) => share(b) - share(a)).slice(0, kPanelsDrawn)
    .sort((a, b) => a.block - b.block);
  return {stepping, shown, leading, control: greatest(others, distance)};
}

// -- sentences

function isNearIdentity({cosine, ratio}) {
  return cosine >= kNearIdentity.cosine && Math.abs(ratio - 1) <= kNearIdentity.ratio;
}

function describeGroup({cosine, ratio}) {
  return `cosine ${number(cosine, 3)}, ratio ${number(ratio, 3)}`;
}

function describeNear(blocks) {
  const numbers = (near) => blocks.filter(({spike}) => isNearIdentity(spike) === near)
    .map(({block}) => block);
  const [near, far] = [numbers(true), numbers(false)];
  if (far.length === 0) {
    return 'Spike tokens sit at (1, 1), where the activation is the identity, in ' +
      `${rangesOf('block', near)}: there a quadratic form describes the block well.`;
  }
  const but = near.length > 0 ? ` They do in ${rangesOf('block', near)}.` : '';
  return 'Spike tokens do not sit at (1, 1), where the activation is the identity, in ' +
    `${rangesOf('block', far)}: there a quadratic form is only a rough approximation.${but}`;
}

// What the colours of the figure show.
function describeOutputs({spike, ordinary}) {
  const [spiking, others] = [spike, ordinary]
    .map(({sample}) => quantile(sample.map(([,, output]) => output), 0.5));
  if (spiking === null) return '';
  const rest = others === null ? '' : ` and ${number(others, 3)} at the others`;
  return ` The block’s largest output is ${number(spiking, 3)} at its spike tokens${rest} ` +
    '(median of the sample).';
}

function describeGates(blocks, {stepping, leading}) {
  const known = stepping.filter(({spike}) => spike.tokens > 0);
  if (known.length === 0) {
    const usual = quantile(blocks.map(({ordinary}) => ordinary.cosine), 0.5);
    const why = stepping.length > 0 ? 'No spike token passed through a gated step block' :
      'No gated feed-forward block is a step-up or step-down block';
    const median = usual === null ? '' : ' The median block has a mean cosine of ' +
      `${number(usual, 3)} for ordinary tokens.`;
    return `${why}, so there is no spike to explain.${median}`;
  }
  const {spike, ordinary} = leading;
  const others = ordinary.tokens > 0 ? `; for ordinary tokens ${describeGroup(ordinary)}` : '';
  return `${describeNear(known)} In the largest step, ${blockName(leading)}, the mean for spike ` +
    `tokens is ${describeGroup(spike)}${others}.${describeOutputs(leading)}`;
}

// -- figures

function gateCurve(blocks, kind) {
  const {name, hue, symbol} = kKinds[kind];
  const points = blocks.map((block) => ({
    x: block.block,
    y: block[kind].cosine,
    text: `${name}, ${blockName(block)}<br>mean ${describeGroup(block[kind])}`,
  }));
  return curve(name, points, {hue, symbol});
}

function drawGateCourse(container, blocks, life) {
  const kinds = ['ordinary', 'spike'].filter((kind) =>
    blocks.some((block) => block[kind].tokens > 0));
  return drawPlane(container, 340, kinds.map((kind) => gateCurve(blocks, kind)), {
    showlegend: true,
    shapes: [...stepShapes(life), levelShape(1, 'identity')],
    xaxis: blockAxis('block', blocks[blocks.length - 1].block),
    yaxis: axis('mean cosine'),
  });
}

// -- nodes

function gatePanel(block, role, frame) {
  const node = figure(`gate-${block.block}`, `The activation in ${blockName(block)}`,
    (container) => drawGate(container, block, frame));
  return [`${role}: block ${block.block}`, node];
}

function gateNodes({blocks}, {life_cycle: life}) {
  const seen = blocks.filter(({spike, ordinary}) => spike.tokens + ordinary.tokens > 0);
  if (seen.length === 0) {
    return [paragraph('No feed-forward block of this model has a gate whose activation could be ' +
      'measured.')];
  }
  const chosen = chosenBlocks(seen, life);
  const {shown, control} = chosen;
  const frame = gateFrame([...shown, ...(control ? [control] : [])]);
  const role = ({block}) => (life.step_up.includes(block) ? 'Step-up' : 'Step-down');
  return [
    paragraph(describeGates(seen, chosen)),
    panels(
      ...shown.map((block) => gatePanel(block, role(block), frame)),
      ...(control ? [gatePanel(control, shown.length > 0 ? 'Control' : 'No step', frame)] : [])),
    paragraph('Each mark is a token of a sample: the cosine between the output and the input of ' +
      'the activation, and the ratio of their norms, over the inner channels. The colour is the ' +
      'block’s largest output |x| at the token; spike tokens have an outline. The cross is the ' +
      'identity (figure 2 of arXiv 2603.05498). All panels have the same axes and colours.',
    'quiet'),
    element('h3', {textContent: 'Mean cosine in every block'}),
    figure('gate-course', 'Mean cosine of the activation’s input and output in every block',
      (container) => drawGateCourse(container, seen, life)),
  ];
}

registerSection({
  key: 'gate_linearity',
  order: 30,
  chapter: 'Gate linearity',
  nodes: gateNodes,
  definitionName: 'Gate linearity',
});
