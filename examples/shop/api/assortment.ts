import type { Product } from '../shared/types.ts';

/** What a new shop has on its shelves. */
export const assortment: readonly Product[] = [
  {
    id: 'mug',
    name: 'Stoneware mug',
    description: 'Thick-walled, 300 ml, glazed by hand.',
    priceCents: 1250,
    stock: 120,
  },
  {
    id: 'kettle',
    name: 'Pour-over kettle',
    description: 'Gooseneck, 0.9 l, for any hob.',
    priceCents: 5900,
    stock: 18,
  },
  {
    id: 'dripper',
    name: 'Porcelain dripper',
    description: 'Spiral ribs, for one to two cups.',
    priceCents: 1990,
    stock: 45,
  },
  {
    id: 'filters',
    name: 'Paper filters',
    description: 'Unbleached, a hundred in a box.',
    priceCents: 540,
    stock: 900,
  },
  {
    id: 'beans',
    name: 'House blend beans',
    description: 'Medium roast, 500 g, roasted on Mondays.',
    priceCents: 1475,
    stock: 260,
  },
  {
    id: 'grinder',
    name: 'Hand grinder',
    description: 'Steel burrs, thirty steps.',
    priceCents: 8400,
    stock: 9,
  },
];
