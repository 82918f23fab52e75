/** What the API sends and the UI shows. Money is in whole cents, times are ISO 8601 in UTC. */
export interface Product {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly priceCents: number;
  readonly stock: number;
}

export interface OrderLine {
  readonly productId: string;
  readonly name: string;
  readonly unitCents: number;
  readonly quantity: number;
}

export interface Order {
  readonly id: number;
  readonly customer: string;
  readonly lines: readonly OrderLine[];
  readonly discountCents: number;
  readonly shippingCents: number;
  readonly totalCents: number;
  readonly createdAt: string;
}

/** What a customer asks for. */
export interface OrderRequest {
  readonly customer: string;
  readonly items: readonly Item[];
}

export interface Item {
  readonly productId: string;
  readonly quantity: number;
}

/** The body of every answer that is not a success. */
export interface ApiError {
  readonly error: string;
}
