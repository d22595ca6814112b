export const namespace = '/presence';

export const operations = {};
