/** Countries, and what usually goes with them: what a form can guess of a firm before it is told. */

/** ISO 3166 countries, each with its currency. */
const COUNTRIES =
  'AD EUR,AE AED,AF AFN,AG XCD,AI XCD,AL ALL,AM AMD,AO AOA,AR ARS,AS USD,AT EUR,AU AUD,AW AWG,AX EUR,AZ AZN,BA BAM,BB BBD,BD BDT,' +
  'BE EUR,BF XOF,BG EUR,BH BHD,BI BIF,BJ XOF,BL EUR,BM BMD,BN BND,BO BOB,BQ USD,BR BRL,BS BSD,BT BTN,BW BWP,BY BYN,BZ BZD,CA CAD,' +
  'CC AUD,CD CDF,CF XAF,CG XAF,CH CHF,CI XOF,CK NZD,CL CLP,CM XAF,CN CNY,CO COP,CR CRC,CU CUP,CV CVE,CW ANG,CX AUD,CY EUR,CZ CZK,' +
  'DE EUR,DJ DJF,DK DKK,DM XCD,DO DOP,DZ DZD,EC USD,EE EUR,EG EGP,ER ERN,ES EUR,ET ETB,FI EUR,FJ FJD,FK FKP,FM USD,FO DKK,FR EUR,' +
  'GA XAF,GB GBP,GD XCD,GE GEL,GF EUR,GG GBP,GH GHS,GI GIP,GL DKK,GM GMD,GN GNF,GP EUR,GQ XAF,GR EUR,GT GTQ,GU USD,GW XOF,GY GYD,' +
  'HK HKD,HN HNL,HR EUR,HT HTG,HU HUF,ID IDR,IE EUR,IL ILS,IM GBP,IN INR,IQ IQD,IR IRR,IS ISK,IT EUR,JE GBP,JM JMD,JO JOD,JP JPY,' +
  'KE KES,KG KGS,KH KHR,KI AUD,KM KMF,KN XCD,KP KPW,KR KRW,KW KWD,KY KYD,KZ KZT,LA LAK,LB LBP,LC XCD,LI CHF,LK LKR,LR LRD,LS LSL,' +
  'LT EUR,LU EUR,LV EUR,LY LYD,MA MAD,MC EUR,MD MDL,ME EUR,MF EUR,MG MGA,MH USD,MK MKD,ML XOF,MM MMK,MN MNT,MO MOP,MP USD,MQ EUR,' +
  'MR MRU,MS XCD,MT EUR,MU MUR,MV MVR,MW MWK,MX MXN,MY MYR,MZ MZN,NA NAD,NC XPF,NE XOF,NF AUD,NG NGN,NI NIO,NL EUR,NO NOK,NP NPR,' +
  'NR AUD,NU NZD,NZ NZD,OM OMR,PA PAB,PE PEN,PF XPF,PG PGK,PH PHP,PK PKR,PL PLN,PM EUR,PR USD,PS ILS,PT EUR,PW USD,PY PYG,QA QAR,' +
  'RE EUR,RO RON,RS RSD,RU RUB,RW RWF,SA SAR,SB SBD,SC SCR,SD SDG,SE SEK,SG SGD,SH SHP,SI EUR,SK EUR,SL SLE,SM EUR,SN XOF,SO SOS,' +
  'SR SRD,SS SSP,ST STN,SV USD,SX ANG,SY SYP,SZ SZL,TC USD,TD XAF,TG XOF,TH THB,TJ TJS,TL USD,TM TMT,TN TND,TO TOP,TR TRY,TT TTD,' +
  'TV AUD,TW TWD,TZ TZS,UA UAH,UG UGX,US USD,UY UYU,UZ UZS,VA EUR,VC XCD,VE VES,VG USD,VI USD,VN VND,VU VUV,WF XPF,WS WST,XK EUR,' +
  'YE YER,YT EUR,ZA ZAR,ZM ZMW,ZW USD';

const currencies = new Map(COUNTRIES.split(',').map((pair) => pair.split(' ') as [string, string]));

/** Time zones that tell a country better than the browser's language does. */
const ZONES: Record<string, string> = {
  'Asia/Shanghai': 'CN', 'Asia/Urumqi': 'CN', 'Asia/Hong_Kong': 'HK', 'Asia/Taipei': 'TW', 'Asia/Singapore': 'SG', 'Asia/Kuala_Lumpur': 'MY',
  'Asia/Tokyo': 'JP', 'Asia/Seoul': 'KR', 'Asia/Kolkata': 'IN', 'Asia/Calcutta': 'IN', 'Asia/Bangkok': 'TH', 'Asia/Jakarta': 'ID',
  'Asia/Manila': 'PH', 'Asia/Ho_Chi_Minh': 'VN', 'Asia/Saigon': 'VN', 'Asia/Dubai': 'AE', 'Asia/Jerusalem': 'IL', 'Europe/London': 'GB',
  'Europe/Dublin': 'IE', 'Europe/Berlin': 'DE', 'Europe/Vienna': 'AT', 'Europe/Zurich': 'CH', 'Europe/Paris': 'FR', 'Europe/Madrid': 'ES',
  'Europe/Lisbon': 'PT', 'Europe/Rome': 'IT', 'Europe/Amsterdam': 'NL', 'Europe/Brussels': 'BE', 'Europe/Helsinki': 'FI', 'Europe/Stockholm': 'SE',
  'Europe/Oslo': 'NO', 'Europe/Copenhagen': 'DK', 'Europe/Warsaw': 'PL', 'Europe/Prague': 'CZ', 'Europe/Budapest': 'HU', 'Europe/Athens': 'GR',
  'Europe/Istanbul': 'TR', 'Australia/Sydney': 'AU', 'Australia/Melbourne': 'AU', 'Australia/Brisbane': 'AU', 'Australia/Perth': 'AU',
  'Pacific/Auckland': 'NZ', 'America/New_York': 'US', 'America/Chicago': 'US', 'America/Denver': 'US', 'America/Los_Angeles': 'US',
  'America/Phoenix': 'US', 'America/Toronto': 'CA', 'America/Vancouver': 'CA', 'America/Mexico_City': 'MX', 'America/Sao_Paulo': 'BR',
  'America/Argentina/Buenos_Aires': 'AR', 'America/Santiago': 'CL', 'America/Bogota': 'CO', 'Africa/Johannesburg': 'ZA', 'Africa/Lagos': 'NG',
  'Africa/Nairobi': 'KE', 'Africa/Cairo': 'EG',
};

export const currencyOf = (country: string): string => currencies.get(country) ?? 'USD';

/** The country by the browser's time zone, else by its language. */
export function guessCountry(zone: string, languages: readonly string[]): string {
  const region = languages.map((tag) => regionOf(tag)).find((code) => code && currencies.has(code));
  return ZONES[zone] ?? region ?? 'US';
}

function regionOf(tag: string): string | undefined {
  try {
    return new Intl.Locale(tag).maximize().region;
  } catch {
    return undefined;
  }
}

export const browserZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

interface Option {
  value: string;
  label: string;
}

const named = (language: string, type: 'region' | 'currency') => {
  const names = new Intl.DisplayNames(language, { type });
  return (code: string) => names.of(code) ?? code;
};

export function countryOptions(language: string): Option[] {
  const name = named(language, 'region');
  return [...currencies.keys()]
    .map((value) => ({ value, label: name(value) }))
    .sort((one, other) => one.label.localeCompare(other.label, language));
}

export function currencyOptions(language: string): Option[] {
  const name = named(language, 'currency');
  return [...new Set(currencies.values())].sort().map((value) => ({ value, label: `${value} · ${name(value)}` }));
}

/** Time zones; `kept` is among them even where the browser calls it by another name. */
export function zoneOptions(kept: string): Option[] {
  const zones = new Set(['UTC', kept, ...Intl.supportedValuesOf('timeZone')].filter(Boolean));
  return [...zones].sort().map((value) => ({ value, label: value.replaceAll('_', ' ') }));
}
