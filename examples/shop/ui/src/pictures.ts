/** Line drawings of the goods, on a 48 x 48 grid. */
const drawings: Readonly<Record<string, string>> = {
  mug: 'M12 14h20v18a6 6 0 0 1-6 6h-8a6 6 0 0 1-6-6zM32 18h3a5 5 0 0 1 0 12h-3M18 9c-2-2 2-3 0-5M25 9c-2-2 2-3 0-5',
  kettle: 'M16 20h17l4 20H12zM19 20c0-5 11-5 11 0M24.5 16v-3M36 26c7 0 2 9 8 9V18M13 36C3 36 4 18 15 22',
  dripper: 'M9 12h30L29 30H19zM16 34h16M19 30v4M29 30v4M15 12l6 18M24 12v18M33 12l-6 18M24 38v4',
  filters: 'M8 14h32L27 38h-6zM12 10h24M8 14l4-4M40 14l-4-4M24 14v24',
  beans: 'M14 12h20l3 28H11zM14 12l2-5h16l2 5M24 20c7 0 7 13 0 13s-7-13 0-13zM24 20c3 4-3 8 0 13',
  grinder: 'M17 18h14v22H17zM15 40h18M19 18l2-6h6l2 6M24 12V7h13M37 5v5M17 28h14',
};

export function picture(productId: string): SVGSVGElement {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 48 48');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', 'picture');
  const path = document.createElementNS(namespace, 'path');
  path.setAttribute('d', drawings[productId] ?? 'M10 16h28v24H10zM10 16l6-8h16l6 8');
  svg.append(path);
  return svg;
}
