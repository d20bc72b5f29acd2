/** What the service's own page says where a survey has no words of its own. A respondent's language is not the reader's. */
import type { Language, Metric } from './metrics';

interface Words {
  comment: string;
  send: string;
  optional: string;
  stop: string;
  /** The usual question, and what the two ends of the scale mean. */
  metrics: Record<Metric, { question: string; ends: readonly [string, string] }>;
}

const agree = ['strongly disagree', 'strongly agree'] as const;
const consent = ['非常不同意', '非常同意'] as const;

export const PAGE: Record<Language, Words> = {
  en: {
    comment: 'Anything you would like to add? (optional)',
    send: 'Send',
    optional: 'Optional',
    stop: 'No more of these mails',
    metrics: {
      csat: { question: 'How satisfied are you with our service?', ends: ['very dissatisfied', 'very satisfied'] },
      nps: { question: 'How likely are you to recommend us to a friend or colleague?', ends: ['not at all likely', 'extremely likely'] },
      ces: { question: 'How far do you agree: it was easy to get my matter settled?', ends: agree },
      servqual: { question: 'What do you expect of a good firm of our kind, and how do you find us?', ends: agree },
      servqual_short: { question: 'How did you find our service?', ends: agree },
      fault_tolerance: {
        question: 'If a product of ours turned out faulty, how much would it take before you bought elsewhere?',
        ends: ['one fault is enough', 'I would stay all the same'],
      },
    },
  },
  'zh-CN': {
    comment: '您还想告诉我们什么？（选填）',
    send: '提交',
    optional: '选填',
    stop: '不再接收此类邮件',
    metrics: {
      csat: { question: '您对我们的服务满意吗？', ends: ['非常不满意', '非常满意'] },
      nps: { question: '您有多大可能把我们推荐给朋友或同事？', ends: ['完全不可能', '非常可能'] },
      ces: { question: '您是否同意：我的事情很容易就办妥了？', ends: consent },
      servqual: { question: '您对我们这类企业有什么期望？您觉得我们做得怎么样？', ends: consent },
      servqual_short: { question: '您觉得我们的服务怎么样？', ends: consent },
      fault_tolerance: { question: '如果我们的产品出现质量问题，到什么程度您才会改买别家的产品？', ends: ['一次问题就会换', '仍会继续购买'] },
    },
  },
};
